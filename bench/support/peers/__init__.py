"""What `bench.http` and `bench.engine` measure beside ours: the usual ways to do the same."""
