"""Files that go with messages: what they are, how they are shown, what a run reads of them."""
