#!/usr/bin/env bash
# check_symbols.sh NM LIBRARY
# The library must not refer to a clock, socket, file, environment, thread or source of randomness.
# Memory, atomics, and what a failed assertion needs (fprintf, abort) are fine.
set -euo pipefail
nm=$1
library=$2

forbidden=(
    # clocks and sleeping
    'clock_gettime' 'gettimeofday' 'time' 'localtime(_r)?' 'nanosleep' 'clock_nanosleep' 'u?sleep'
    'std::chrono::.*_clock::now\(\)'
    # sockets and readiness
    'socket' 'socketpair' 'bind' 'listen' 'accept4?' 'connect' 'shutdown' 'send(to|msg|mmsg)?'
    'recv(from|msg|mmsg)?' '[gs]etsockopt' 'e?poll(_.*)?' 'ppoll' 'select' 'eventfd.*' 'timerfd_.*'
    'getaddrinfo' 'gethostbyname.*' 'getifaddrs'
    # files and processes
    'open(at)?(64)?' 'creat(64)?' 'fopen(64)?' 'p?read(v|64)?' 'p?write(v|64)?' 'fork' 'exec.*' 'pipe2?'
    'std::(basic_)?.fstream.*' 'std::filesystem::.*'
    # environment
    '(secure_)?getenv' 'setenv' 'gethostname' 'getpid'
    # randomness
    'rand(_r)?' 'srand' 'random' 'srandom' '.rand48.*' 'getrandom' 'getentropy' 'arc4random.*'
    'std::random_device::.*'
    # threads
    'pthread_(create|join|mutex_.*|cond_.*|rwlock_.*)' 'std::thread::.*' 'std::condition_variable.*'
    'std::mutex.*' 'std::this_thread::.*'
    # libraries of the shell around the core
    'boost::.*' 'spdlog::.*' 'fmt::.*'
)
pattern=$(IFS='|'; echo "${forbidden[*]}")
undefined=$("$nm" -uC "$library" | sed -nE 's/^ +[Uvw] +//p' | sort -u)
if [ -z "$undefined" ]; then
    echo "no undefined symbol in $library: is it the right file?" >&2
    exit 1
fi
if found=$(grep -E "^($pattern)$" <<<"$undefined"); then
    echo "$library refers to:" >&2
    echo "$found" >&2
    exit 1
fi
