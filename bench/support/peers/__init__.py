"""What `bench.http` measures beside ours: the usual ways of answering one SELECT."""
