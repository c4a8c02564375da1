"""`streamer worker`, profiled where `BENCH_PROFILE` asks for it."""

from benchmarks.profiling import profile_if_asked
from streamer.cli import main

if __name__ == "__main__":
    profile_if_asked()
    main()
