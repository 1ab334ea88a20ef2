"""The executor's own process, `lilypad exec-wasm`, driven over its socket as a provider drives it
(src/exec/wasm_main.h, src/exec/frame.h), and watched from outside while it works."""
import array
import dataclasses
import hashlib
import os
import pathlib
import select
import socket
import struct
import subprocess
import time

STATUS = {1: "Completed", 2: "MemoryExceeded", 3: "StorageExceeded", 4: "InstructionsExceeded",
          5: "BandwidthExceeded", 6: "ExceptionOccurred", 7: "TimeExceeded"}
RUN, KILL = 1, 2
SOCKET_FD = 3


@dataclasses.dataclass
class Outcome:
    """code: of the job's process, 0 with an outcome, below 0 the signal that killed it."""
    code: int
    status: str = ""
    exit_code: int = 0
    count: int = 0
    trap: str = ""
    stdout: bytes = b""
    files: dict = dataclasses.field(default_factory=dict)
    frame_bytes: int = 0
    wall_s: float = 0.0
    peak_bytes: int = 0  # the most that a process of this job was seen to have in memory


def u64(n):
    return struct.pack("<Q", n)


def sized(data):
    return u64(len(data)) + data


def frame(program, instructions, ram, output, args=(), entrypoint="_start", seed=bytes(32)):
    words = u64(len(args)) + b"".join(sized(a.encode()) for a in args)
    return (hashlib.sha256(program).digest() + seed + u64(instructions) + u64(ram) + u64(output) +
            sized(entrypoint.encode()) + words + u64(0) + u64(0) + sized(program))


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        assert n <= len(self.data) - self.at, "the outcome is shorter than it says"
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self):
        return struct.unpack("<Q", self.take(8))[0]

    def bytes(self):
        return self.take(self.number())


def read_outcome(data, out):
    r = Reader(data)
    out.status = STATUS[r.number()]
    out.exit_code = r.number() & 0xFFFFFFFF
    out.count = r.number()
    out.trap = r.bytes().decode(errors="replace")
    out.stdout = r.bytes()
    r.bytes()
    for _ in range(r.number()):
        path, is_dir, content = r.bytes(), r.number(), r.bytes()
        out.files[path] = None if is_dir else content
    assert r.at == len(data), "the outcome is longer than it says"


def memory_file(content=b""):
    fd = os.memfd_create("test")
    with os.fdopen(os.dup(fd), "wb") as f:
        f.write(content)
    return fd


class Executor:
    """One process; jobs run one after another unless begin() and finish() are called by themselves."""

    def __init__(self, binary, engine, cache):
        self.cache = pathlib.Path(cache)
        self.cache.mkdir(exist_ok=True)
        self.sock, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fd = other.detach()

        def place():
            os.dup2(fd, SOCKET_FD)

        # Descriptor 3 is made in the child, so it is not to be closed there again.
        self.process = subprocess.Popen([binary, "exec-wasm", engine, cache], preexec_fn=place,
                                        close_fds=False, env={}, stdin=subprocess.DEVNULL)
        os.close(fd)
        self.jobs, self.last = {}, 0
        assert self.answer(20) == (0, 0), "the executor says that it is ready"

    def answer(self, timeout):
        """(job, code) or None in time."""
        if not select.select([self.sock], [], [], timeout)[0]:
            return None
        data = self.sock.recv(8)
        assert len(data) == 8, "the executor has ended"
        return struct.unpack("<Ii", data)

    def begin(self, job_frame):
        self.last += 1
        fds = [memory_file(job_frame), memory_file()]
        self.sock.sendmsg([struct.pack("<II", RUN, self.last)],
                          [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        os.close(fds[0])
        self.jobs[self.last] = fds[1]
        return self.last

    def kill(self, job):
        self.sock.send(struct.pack("<II", KILL, job))

    def children(self):
        pid = self.process.pid
        return [int(p) for p in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def seen(self):
        """The most memory that any process of a job has had so far."""
        peak = 0
        for pid in self.children():
            try:
                text = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            peak = max([peak] + [int(line.split()[1]) * 1024 for line in text.splitlines()
                                 if line.startswith("VmHWM")])
        return peak

    def finish(self, job, timeout):
        """Waits for the job, looking at its process all the while; kills it when it takes too long."""
        started, out, got = time.monotonic(), Outcome(0), None
        while got is None:
            out.peak_bytes = max(out.peak_bytes, self.seen())
            got = self.answer(0.002)
            if got is None and time.monotonic() - started > timeout:
                self.kill(job)
                self.answer(10)
                os.close(self.jobs.pop(job))
                raise AssertionError(f"not within {timeout} s")
        assert got[0] == job
        out.wall_s = time.monotonic() - started
        out.code = got[1]
        with os.fdopen(self.jobs.pop(job), "rb") as f:
            f.seek(0)
            data = f.read()
        out.frame_bytes = len(data)
        if out.code == 0:
            read_outcome(data, out)
        else:
            out.trap = data[:255].decode(errors="replace")
        return out

    def run(self, program, instructions=50_000_000, ram=16 << 20, output=1 << 20, timeout=60, **more):
        return self.finish(self.begin(frame(program, instructions, ram, output, **more)), timeout)

    def close(self):
        self.sock.close()
        self.process.wait(10)
