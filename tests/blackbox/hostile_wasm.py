"""The programs that mean harm, one row each: what it does, what contains it, and how it must end (protocol 2.8).
test_hostile_wasm.py runs them; docs/hostile-wasm.md is this table with what was measured."""
import dataclasses
import random
import typing

from wasm_maker import (ADD, COPY, DIV, DROP, END, F64, FILL, FUNCREF, GROW, I32, I64, MAGIC, NE, NOP, UNREACHABLE,
                        WASI, Module, block, br, br_if, call, custom, f64, i32, i64, indirect, keep, load, local,
                        loop, name, program, repeat, section, sized, store, u, vec, when)

MIB = 1 << 20
COMPLETED, MEMORY, STORAGE = "Completed", "MemoryExceeded", "StorageExceeded"
LIMIT, EXCEPTION = "InstructionsExceeded", "ExceptionOccurred"
# Error numbers of WASI preview 1.
OK, BADF, EXIST, FAULT, ILSEQ, INVAL, ISDIR, MFILE, NAMETOOLONG, NOENT, NOSPC, NOTDIR, NOTSUP, ROFS, SPIPE, \
    NOTCAPABLE = 0, 8, 20, 21, 25, 28, 31, 33, 37, 44, 51, 54, 58, 69, 70, 76
INPUTS, OUTPUTS, TMP, FIRST = 3, 4, 5, 6  # descriptors: three directories, and the first that a program opens
CREATE, DIRECTORY, EXCLUSIVE, TRUNCATE = 1, 2, 4, 8
BOTH = 66  # rights: read and write


@dataclasses.dataclass
class Behaviour:
    """status None: any that is an outcome. count None: any within the limit; LIMIT: exactly the limit.
    memory: MiB that no process of the job may pass. A list of programs: each must end like that."""
    name: str
    group: str
    does: str
    contained: str
    make: typing.Callable
    status: typing.Optional[str]
    words: str = ""
    exit: int = 0
    count: object = None
    stdout: typing.Optional[bytes] = None
    ram: int = 16 * MIB
    disk: int = MIB
    instructions: int = 50_000_000
    memory: int = 64
    seconds: int = 60
    args: tuple = ("hostile",)


ROWS: list = []


def behaviour(group, does, contained, status, words="", **more):
    def add(make):
        ROWS.append(Behaviour(make.__name__.replace("_", "-"), group, does, contained, make, status, words,
                              **more))
        return make
    return add


class Code(bytes):
    """An argument that is computed: instructions which leave one value."""


class Calls:
    """A program that calls WASI and compares each answer with what it must be: it exits with the number of
    the first call that was answered otherwise, with 0 when there is none."""

    def __init__(self, pages=1):
        self.m = Module().memory(pages)
        self.body, self.free, self.n = [], 4096, 0
        self.exit = self.m.wasi("proc_exit")

    def text(self, content):
        """Bytes in memory; gives their address."""
        at, self.free = self.free, self.free + len(content) + 8
        self.m.data(at, content)
        return at

    def arguments(self, wasi, args):
        flat = []
        for a in args:
            if isinstance(a, str):
                a = a.encode()
            if isinstance(a, bytes) and not isinstance(a, Code):
                flat += [self.text(a), len(a)]
            else:
                flat.append(a)
        kinds = WASI[wasi]
        assert len(flat) == len(kinds), f"{wasi} takes {len(kinds)} arguments"
        return b"".join(a if isinstance(a, Code) else i64(a) if k == "I" else i32(a)
                        for a, k in zip(flat, kinds))

    def call(self, wasi, *args, gives: typing.Optional[int] = OK):
        code = self.arguments(wasi, args) + call(self.m.wasi(wasi))
        self.n += 1
        if gives is None:
            code += DROP
        else:
            code += i32(gives) + NE + when(i32(self.n), call(self.exit))
        self.body.append(code)
        return self

    def open(self, fd, path, oflags=0, rights=BOTH, gives: typing.Optional[int] = OK, lookup=0, fdflags=0):
        return self.call("path_open", fd, lookup, path, oflags, rights, rights, fdflags, 64, gives=gives)

    def say(self, at, n):
        """n bytes at an address to standard output."""
        self.body.append(i32(32) + i32(at) + store() + i32(36) + i32(n) + store())
        return self.call("fd_write", 1, 32, 1, 40)

    def code(self, *instructions):
        self.body.append(b"".join(instructions))
        return self

    def bytes(self, **more):
        self.m.start(*self.body, **more)
        return self.m.bytes()


# ---- work without end ---------------------------------------------------------------------------------------

FUEL = "instructions are counted; the limit ends it"


@behaviour("work", "an infinite loop", FUEL, LIMIT, count=LIMIT)
def infinite_loop():
    return program(loop(br(0)))


@behaviour("work", "a start function that loops before the entry is called", FUEL, LIMIT, count=LIMIT)
def start_function_loops():
    m = Module()
    m.begin = m.function(loop(br(0)))
    m.start()
    return m.bytes()


@behaviour("work", "a loop of a million calls to `sched_yield`", "every call costs 200 instructions", LIMIT,
           count=LIMIT)
def yields():
    c = Calls()
    return c.code(repeat(0, 1_000_000, call(c.m.wasi("sched_yield")), DROP)).bytes(locals=[(1, I32)])


@behaviour("work", "sleeps 2⁶³ ns, a thousand times, by `poll_oneoff`",
           "sleep moves the virtual clock and ends at once", COMPLETED)
def sleeps():
    c = Calls()
    row = bytearray(48)
    row[24:32] = (1 << 63).to_bytes(8, "little")
    at = c.text(bytes(row))
    c.code(repeat(0, 1000, c.arguments("poll_oneoff", [at, 128, 1, 64]), call(c.m.wasi("poll_oneoff")), DROP))
    c.call("poll_oneoff", at, 128, 0, 64, gives=INVAL).call("poll_oneoff", at, 128, 1025, 64, gives=INVAL)
    return c.call("poll_oneoff", at, 128, -1, 64, gives=INVAL).bytes(locals=[(1, I32)])


@behaviour("work", "`memory.fill` of 16 MiB in a loop", "bulk operations cost one instruction a byte", LIMIT,
           count=LIMIT, memory=64)
def fills():
    return program(loop(i32(0), i32(1), i32(16 * MIB), FILL, br(0)), pages=256)


@behaviour("work", "`memory.copy` of 8 MiB in a loop", "bulk operations cost one instruction a byte", LIMIT,
           count=LIMIT, memory=64)
def copies():
    return program(loop(i32(0), i32(8 * MIB), i32(8 * MIB), COPY, br(0)), pages=256)


@behaviour("work", "`table.fill` of a million elements in a loop", "costs one instruction an element", LIMIT,
           count=LIMIT)
def table_fills():
    m = Module()
    m.table(1_000_000)
    m.start(loop(i32(0), b"\xd0\x70", i32(1_000_000), b"\xfc\x11\x00", br(0)))
    return m.bytes()


@behaviour("work", "`memory.fill` and `memory.copy` with lengths of 4 GiB", "paid before a byte moves", LIMIT,
           count=LIMIT)
def bulk_out_of_bounds():
    return [program(i32(0), i32(1), i32(-1), COPY), program(i32(-1), i32(0), i32(-1), FILL)]


@behaviour("work", "asks for 1 GiB of random bytes for the price of one call", "paid before it is made", LIMIT,
           count=LIMIT, ram=1 << 30, memory=96)
def random_gigabyte():
    return Calls(16384).call("random_get", 0, 1 << 30).bytes()


# ---- stack --------------------------------------------------------------------------------------------------

STACK = "the class's 1 MiB of stack; the end of it is a trap"


@behaviour("stack", "recursion without end", STACK, EXCEPTION, "stack overflow")
def recursion():
    m = Module()
    m.start(call(0))
    return m.bytes()


@behaviour("stack", "recursion through a table", STACK, EXCEPTION, "stack overflow")
def indirect_recursion():
    m = Module()
    m.table(1)
    f = m.start(i32(0), indirect(m.kind()))
    m.elements.append(b"\0" + i32(0) + END + vec([u(f)]))
    return m.bytes()


@behaviour("stack", "recursion with frames of 32 KB: 4 000 locals that live across the call", STACK, EXCEPTION,
           "stack overflow", memory=400)
def huge_frames():
    # Loads, which no compiler moves behind the call.
    m, n = Module().memory(1), 4_000
    fill = b"".join(i32(8 * i) + b"\x29\x03\x00" + keep(i) for i in range(n))
    use = b"".join(i32(8 * i) + local(i) + b"\x37\x03\x00" for i in range(n))
    f = m.function(fill, call(0), use, locals=[(n, I64)])
    m.start(call(f))
    return m.bytes()


@behaviour("stack", "recursion inside the start function", STACK, EXCEPTION, "stack overflow")
def start_function_recurses():
    m = Module()
    m.begin = m.function(call(0))
    m.start()
    return m.bytes()


# ---- memory and tables --------------------------------------------------------------------------------------

RAM = "growth stops at the spec's `ram`"


@behaviour("memory", "grows its memory to the limit, touches every page, and traps", RAM, MEMORY, "unreachable",
           ram=64 * MIB, memory=112)
def memory_to_the_limit():
    touch = (local(0), i32(1), store(), local(0), i32(4096), ADD, b"\x22\x00", i32(64 * MIB), b"\x49", br_if(0))
    return program(loop(i32(1), GROW, i32(-1), NE, br_if(0)), loop(*touch), UNREACHABLE, locals=[(1, I32)])


@behaviour("memory", "asks for 4 GiB at once, is refused, and goes on", RAM, COMPLETED)
def memory_beyond_the_limit():
    c = Calls()
    return c.code(i32(65535), GROW, i32(-1), NE, when(i32(1), call(c.exit))).bytes()


@behaviour("memory", "grows by nothing ten million times", FUEL, LIMIT, count=LIMIT)
def grows_by_nothing():
    return program(loop(i32(0), GROW, DROP, br(0)))


@behaviour("memory", "a memory that begins larger than `ram`", RAM, EXCEPTION, "cannot be instantiated", count=0)
def memory_begins_too_large():
    return program(pages=257)


@behaviour("memory", "a memory of 65 537 pages", "refused by validation", EXCEPTION, "not accepted", count=0)
def memory_beyond_the_format():
    return program(pages=65537)


@behaviour("memory", "grows a table until it is refused", "a table has 1 000 000 elements at most", COMPLETED)
def table_growth():
    c = Calls()
    c.m.table(0)
    c.code(loop(b"\xd0\x70", i32(9999), b"\xfc\x0f\x00", i32(-1), NE, br_if(0)))
    return c.code(b"\xfc\x10\x00", i32(999_900), NE, when(i32(1), call(c.exit))).bytes()


@behaviour("memory", "a table of 4 000 000 000 elements", "a table has 1 000 000 elements at most", EXCEPTION,
           "table", count=0)
def huge_table():
    m = Module()
    m.table(4_000_000_000)
    m.start()
    return m.bytes()


@behaviour("memory", "sixteen tables of a million elements, all written", "at most 16 tables", COMPLETED,
           instructions=100_000_000, memory=224)
def sixteen_tables():
    m = Module()
    for _ in range(16):
        m.table(1_000_000)
    f = m.function()
    m.elements.append(b"\3\0" + vec([u(f)]))
    m.start(*(i32(0) + b"\xd2" + u(f) + i32(1_000_000) + b"\xfc\x11" + u(i) for i in range(16)))
    return m.bytes()


@behaviour("memory", "seventeen tables", "at most 16 tables", EXCEPTION, "cannot be instantiated", count=0)
def seventeen_tables():
    m = Module()
    for _ in range(17):
        m.table(1)
    m.start()
    return m.bytes()


@behaviour("memory", "a data segment of 15 MiB", "it has to fit the memory", COMPLETED, memory=128)
def huge_data_segment():
    m = Module().memory(256).data(0, b"\xa5" * (15 * MIB))
    m.start()
    return m.bytes()


@behaviour("memory", "a data segment that ends outside the memory", "bounds are checked", EXCEPTION,
           "memory access out of bounds")
def data_segment_outside():
    m = Module().memory(1).data(65530, b"1234567890")
    m.start()
    return m.bytes()


@behaviour("memory", "100 000 data segments", "the format's limit, and the program's size", COMPLETED, memory=96)
def many_data_segments():
    m = Module().memory(16)
    m.data_segments = [b"\0" + i32(i) + END + sized(b"x") for i in range(100_000)]
    m.start()
    return m.bytes()


# ---- the shape of a module ----------------------------------------------------------------------------------

VALID = "refused by validation, without an instruction"


@behaviour("shape", "10⁶ locals in one function", VALID, EXCEPTION, "too many locals", count=0)
def million_locals():
    return program(locals=[(1_000_000, I64)])


@behaviour("shape", "2³² − 1 locals, declared twice", VALID, EXCEPTION, "too many locals", count=0)
def locals_overflow():
    return program(locals=[(0xFFFFFFFF, I64), (0xFFFFFFFF, I32)])


@behaviour("shape", "100 000 nested blocks", "the compiler's walk is no recursion; its memory is limited",
           COMPLETED, memory=256)
def nested_blocks():
    return program(b"\x02\x40" * 100_000, END * 100_000)


@behaviour("shape", "5 000 nested `if`s", "the compiler's walk is no recursion; its time is limited", COMPLETED,
           memory=256)
def nested_ifs():
    return program((i32(0) + b"\x04\x40") * 5_000, END * 5_000)


@behaviour("shape", "a body of 7.7 MB", VALID, EXCEPTION, "function", count=0, memory=128)
def giant_body():
    return program(NOP * 7_700_000)


@behaviour("shape", "1 000 001 types", VALID, EXCEPTION, "not accepted", count=0, memory=256)
def many_types():
    m = Module()
    m.start()
    m.types += [b"\x60\0\0"] * 1_000_000
    return m.bytes()


@behaviour("shape", "50 000 exports of one function", "the program's size", COMPLETED, memory=96)
def many_exports():
    m = Module()
    f = m.start()
    for i in range(50_000):
        m.export(f"f{i}", 0, f)
    return m.bytes()


@behaviour("shape", "an export's name of 100 001 bytes", VALID, EXCEPTION, "not accepted", count=0)
def long_name():
    m = Module()
    m.export("x" * 100_001, 0, m.start())
    return m.bytes()


@behaviour("shape", "a function with 1 001 parameters, and one with 1 001 results", VALID, EXCEPTION,
           "not accepted", count=0)
def many_parameters():
    out = []
    for more in ({"params": [I32] * 1001}, {"results": [I32] * 1001}):
        m = Module()
        m.start()
        m.function(UNREACHABLE, **more)
        out.append(m.bytes())
    return out


@behaviour("shape", "the same export twice; a section twice; sections in another order", VALID, EXCEPTION,
           "not accepted", count=0)
def doubled():
    m = Module()
    m.export("_start", 0, m.start())
    plain = program(NOP)
    return [m.bytes(), plain + plain[8:], MAGIC + section(3, vec([u(0)])) + section(1, vec([b"\x60\0\0"]))]


@behaviour("shape", "8 MiB of custom sections with names of control characters", "they are skipped", COMPLETED,
           memory=96)
def custom_sections():
    m = Module().memory()
    m.start()
    m.after = b"".join(custom("\x1b[2J\u202e" + str(i), b"\0" * (MIB - 64)) for i in range(8))
    return m.bytes()


@behaviour("shape", "a name section that lies about every name", "it is not read", COMPLETED)
def lying_names():
    m = Module()
    m.start()
    m.after = custom("name", b"\x01\xff\xff\xff\xff\x0f" + b"\xff" * 64)
    return m.bytes()


# ---- what is no program -------------------------------------------------------------------------------------

@behaviour("not a program", "a working program, cut off after each of its bytes", VALID, EXCEPTION, "not accepted",
           count=0)
def truncated():
    whole = Calls().call("fd_close", 77, gives=BADF).bytes()
    # A cut between two sections is a module again: it has no entry. tests of that are below.
    return [whole[:n] for n in range(8, len(whole)) if n not in boundaries(whole)] + [b"", b"\0asm"]


def boundaries(module):
    """Where its sections begin."""
    at, out = 8, []
    while at < len(module):
        out.append(at)
        n, shift, i = 0, 0, at + 1
        while True:
            n |= (module[i] & 127) << shift
            shift += 7
            i += 1
            if not module[i - 1] & 128:
                break
        at = i + n
    return out


@behaviour("not a program", "a working program with one byte changed, 300 times",
           "whatever it has become, it is refused or runs like any other", None)
def corrupted():
    whole = bytearray(Calls().call("random_get", 64, 32).say(64, 32).bytes())
    chance, out = random.Random(20), []
    for _ in range(300):
        bad = bytearray(whole)
        bad[chance.randrange(8, len(bad))] ^= 1 << chance.randrange(8)
        out.append(bytes(bad))
    return out


@behaviour("not a program", "200 modules of random bytes behind a good header", VALID, EXCEPTION, "",
           count=0)
def random_bytes():
    chance = random.Random(21)
    return [MAGIC + chance.randbytes(chance.randrange(1, 400)) for _ in range(200)]


@behaviour("not a program", "lengths that overflow: LEB128 of 11 bytes, a section of 4 GiB, a vector of 2³² − 1",
           VALID, EXCEPTION, "not accepted", count=0)
def overflowing_lengths():
    return [MAGIC + b"\1" + b"\xff" * 10 + b"\1", MAGIC + b"\1\xff\xff\xff\xff\x0f",
            MAGIC + section(1, b"\xff\xff\xff\xff\x0f"), MAGIC + section(10, b"\xff\xff\xff\xff\x0f"),
            MAGIC + section(11, vec([b"\0" + i32(0) + END + b"\xff\xff\xff\xff\x0f"]))]


@behaviour("not a program", "native code: the compiled form of a program (`.cwasm`), and an ELF file",
           "only what this machine compiled itself is loaded", EXCEPTION, "not accepted", count=0, memory=128)
def native_code(compiled, binary):
    return [compiled, binary]


@behaviour("not a program", "WebAssembly text, a component, version 2, and an empty module", VALID, EXCEPTION, "",
           count=0)
def other_formats():
    return [b'(module (func (export "_start")))', b"\0asm\x0d\0\1\0", b"\0asm\2\0\0\0", MAGIC]


@behaviour("not a program", "an import of a kind that validation lets pass and the compiler does not know",
           "what the compiler refuses is refused everywhere", EXCEPTION, "not accepted", count=0)
def unknown_to_the_compiler():
    m = Module()
    m.imports.append(name("env") + name("x") + b"\x20" + u(m.kind()))
    m.start()
    return m.bytes()


# ---- proposals that are off ---------------------------------------------------------------------------------

OFF = "off in the engine class"


@behaviour("proposals", "threads: a shared memory, atomics, misaligned atomics, `atomic.fence`", OFF, EXCEPTION,
           "not accepted", count=0)
def threads():
    shared = Module()
    shared.memories.append(b"\3\1\2")
    shared.start()
    return [shared.bytes(), program(i32(0), b"\xfe\x10\x02\x00", DROP), program(i32(1), b"\xfe\x10\x02\x00", DROP),
            program(b"\xfe\x03\x00")]


@behaviour("proposals", "relaxed SIMD: a result that the processor may choose", OFF, EXCEPTION, "not accepted",
           count=0)
def relaxed_simd():
    v = b"\xfd\x0c" + bytes(16)
    return [program(v, v, b"\xfd" + u(op), DROP) for op in (0x100, 0x111, 0x112)] + \
        [program(v, v, v, b"\xfd" + u(0x105), DROP)]


@behaviour("proposals", "memory64, two memories, custom page sizes", OFF, EXCEPTION, "not accepted", count=0)
def other_memories():
    out = []
    for memories in ([b"\4\1"], [b"\0\1", b"\0\1"], [b"\x08\1\0"]):
        m = Module()
        m.memories = memories
        m.start()
        out.append(m.bytes())
    return out


@behaviour("proposals", "tail calls, exceptions, typed function references, garbage collection", OFF, EXCEPTION,
           "not accepted", count=0)
def other_proposals():
    tag = Module()
    tag.start(b"\x08\0")
    whole = tag.bytes()
    at = whole.index(b"\x0a")
    gc = Module()
    gc.start()
    gc.types.append(b"\x5f" + vec([b"\x7f\0"]))
    return [program(b"\x12\0"), whole[:at] + section(13, vec([b"\0\0"])) + whole[at:], program(b"\xd0\x6e", DROP),
            gc.bytes(), program(b"\x14\0"), program(b"\xd0\0", DROP)]


# ---- entry and imports --------------------------------------------------------------------------------------

@behaviour("interface", "no `_start`; a memory of that name; one that takes or gives values",
           "the entry is looked for and its type compared", EXCEPTION, "", count=None)
def entries():
    none = Module()
    none.function(export="main")
    memory = Module().memory(export="_start")
    takes, gives = Module(), Module()
    takes.start(params=[I64] * 8)
    gives.start(i64(1), i64(2), i64(3), results=[I64] * 3)
    return [none.bytes(), memory.bytes(), takes.bytes(), gives.bytes()]


@behaviour("interface", "no memory, and calls that need one", "a call without memory gives FAULT", COMPLETED)
def no_memory():
    m = Module()
    leave = m.wasi("proc_exit")
    for wasi in ("fd_write", "random_get", "path_open", "poll_oneoff", "args_sizes_get"):
        m.wasi(wasi)
    body = []
    for n, wasi in enumerate(("fd_write", "random_get", "path_open", "poll_oneoff", "args_sizes_get"), 1):
        # fd 4 or 1 and one entry, so that nothing but the memory is wrong.
        args = {"fd_write": (1, 0, 1, 0), "path_open": (4, 0, 0, 1, 0, 0, 0, 0, 0), "poll_oneoff": (0, 0, 1, 0),
                "random_get": (0, 1), "args_sizes_get": (0, 0)}[wasi]
        code = b"".join(i64(a) if k == "I" else i32(a) for a, k in zip(args, WASI[wasi]))
        body.append(code + call(m.wasi(wasi)) + i32(FAULT) + NE + when(i32(n), call(leave)))
    m.start(*body)
    return m.bytes()


@behaviour("interface", "`memory` exported as a function; the memory exported under another name",
           "a call without memory gives FAULT", COMPLETED)
def false_memory():
    out = []
    for export in ("function", "other"):
        m = Module().memory(export="other")
        leave, get = m.wasi("proc_exit"), m.wasi("random_get")
        f = m.start(i32(0), i32(8), call(get), i32(FAULT), NE, when(i32(1), call(leave)))
        if export == "function":
            m.export("memory", 0, f)
        out.append(m.bytes())
    return out


@behaviour("interface", "imports that do not exist: of `env`, of `wasi_unstable`, a memory, a global, a table",
           "only the functions of `wasi_snapshot_preview1` are there", EXCEPTION, "unknown import", count=0)
def unknown_imports():
    out = []
    for module, field in (("env", "system"), ("wasi_unstable", "fd_write"), ("wasi_snapshot_preview1", "fork"),
                          ("wasi", "thread-spawn")):
        m = Module()
        m.function_import(module, field)
        m.start()
        out.append(m.bytes())
    for kind in (b"\2\0\1", b"\3\x7f\0", b"\1\x70\0\1"):
        m = Module()
        m.imports.append(name("env") + name("x") + kind)
        m.start()
        out.append(m.bytes())
    return out


@behaviour("interface", "a function of WASI imported with another type", "types are compared", EXCEPTION,
           "incompatible import type", count=0)
def other_import_type():
    m = Module()
    m.function_import("wasi_snapshot_preview1", "fd_write", [I64] * 9, [I64])
    m.start()
    return m.bytes()


@behaviour("interface", "100 000 imports of one function", "the format's limits", COMPLETED, memory=128)
def many_imports():
    m = Module()
    one = name("wasi_snapshot_preview1") + name("sched_yield") + b"\0" + u(m.kind((), (I32,)))
    m.imports, m.imported = [one] * 100_000, 100_000
    m.start(call(99_999), DROP)
    return m.bytes()


@behaviour("interface", "import names that are escape sequences, right-to-left marks and cut characters",
           "words about a program hold printable text only", EXCEPTION, "unknown import", count=0)
def names_for_terminals():
    out = []
    for text in ("\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe", "\x9b31m", *("x" * n + "€" * 200 for n in range(3))):
        m = Module()
        m.function_import("env", text)
        m.start()
        out.append(m.bytes())
    return out


# ---- output -------------------------------------------------------------------------------------------------

ROOM = "every byte written counts against the storage limit"


def writes(fd, path=None, each=65536):
    """Writes `each` bytes until it is stopped."""
    c = Calls(2)
    c.code(i32(32), i32(65536), store(), i32(36), i32(each), store())
    if path:
        c.open(OUTPUTS, path, CREATE)
    return c.code(loop(i32(fd), i32(32), i32(1), i32(40), call(c.m.wasi("fd_write")), DROP, br(0))).bytes()


@behaviour("output", "floods standard output", ROOM, STORAGE)
def floods_stdout():
    return writes(1)


@behaviour("output", "floods standard error", ROOM, STORAGE)
def floods_stderr():
    return writes(2)


@behaviour("output", "floods standard output where the spec allows 64 MiB", "a stream holds 8 MiB at most", STORAGE,
           disk=64 * MIB)
def floods_beyond_the_stream():
    return writes(1)


@behaviour("output", "floods one file", ROOM, STORAGE)
def floods_a_file():
    return writes(FIRST, "f")


@behaviour("output", "writes single bytes without end", FUEL, LIMIT, count=LIMIT)
def single_bytes():
    return writes(1, each=1)


@behaviour("output", "fills /tmp, removes what it wrote, and fills it again", "what is removed is not given back",
           STORAGE)
def fills_and_removes():
    c = Calls(2)
    c.code(i32(32), i32(65536), store(), i32(36), i32(65536), store())
    path = c.text(b"f")
    take = c.arguments("path_open", [TMP, 0, path, 1, CREATE, BOTH, BOTH, 0, 64])
    return c.code(loop(take, call(c.m.wasi("path_open")), DROP,
                       i32(FIRST), i32(32), i32(1), i32(40), call(c.m.wasi("fd_write")), DROP,
                       i32(FIRST), call(c.m.wasi("fd_close")), DROP,
                       i32(TMP), i32(path), i32(1), call(c.m.wasi("path_unlink_file")), DROP, br(0))).bytes()


@behaviour("output", "a sparse file: seeks to 2⁴⁰ and writes a byte", "the hole counts as written", STORAGE)
def sparse_file():
    c = Calls().open(OUTPUTS, "f", CREATE).call("fd_seek", FIRST, 1 << 40, 0, 64)
    c.code(i32(32), i32(0), store(), i32(36), i32(1), store())
    return c.call("fd_write", FIRST, 32, 1, 40).bytes()


@behaviour("output", "sets a file's size to 2⁴⁰; asks `fd_allocate` for 2⁶³ and more", ROOM, STORAGE)
def set_size():
    c = Calls().open(OUTPUTS, "f", CREATE).call("fd_allocate", FIRST, 1 << 63, 1 << 63, gives=INVAL)
    c.call("fd_allocate", FIRST, 1, -1, gives=INVAL).call("fd_filestat_set_size", FIRST, 1 << 63, gives=INVAL)
    return c.call("fd_filestat_set_size", FIRST, 1 << 40).bytes()


@behaviour("output", "grows a file to 1 MiB and shrinks it, a thousand times", "every growth counts", STORAGE)
def grows_and_shrinks():
    c = Calls().open(OUTPUTS, "f", CREATE)
    size = c.m.wasi("fd_filestat_set_size")
    return c.code(repeat(0, 1000, i32(FIRST), i64(MIB), call(size), DROP, i32(FIRST), i64(0), call(size),
                         DROP)).bytes(locals=[(1, I32)])


def entries_of(n, make):
    """n entries with names of eight letters, which count."""
    c = Calls()
    path = c.text(b"aaaaaaaa")
    digits = b"".join(i32(path) + local(0) + i32(4 * i) + b"\x76" + i32(15) + b"\x71" + i32(97) + ADD +
                      b"\x3a\x00" + u(i) for i in range(8))
    return c.code(repeat(0, n, digits, make(c, path))).bytes(locals=[(1, I32)])


@behaviour("output", "65 536 files in one directory", "65 536 nodes, and what a directory of the output may hold",
           STORAGE, "too many files", memory=96)
def many_files():
    def make(c, path):
        return c.arguments("path_open", [OUTPUTS, 0, path, 8, CREATE, BOTH, BOTH, 0, 64]) + \
            call(c.m.wasi("path_open")) + DROP + i32(64) + load() + call(c.m.wasi("fd_close")) + DROP
    return entries_of(70_000, make)


@behaviour("output", "a million directories in /tmp", "65 536 nodes, also those that are gone", COMPLETED,
           instructions=2_000_000_000, memory=96)
def many_directories():
    def make(c, path):
        return i32(TMP) + i32(path) + i32(8) + call(c.m.wasi("path_create_directory")) + DROP
    return entries_of(1_000_000, make)


@behaviour("output", "directories 60 000 deep", "an output has 62 levels", STORAGE, "too deep", memory=96)
def deep_directories():
    c = Calls()
    path = c.text(b"d")
    make = local(1) + i32(path) + i32(1) + call(c.m.wasi("path_create_directory")) + DROP
    go = local(1) + i32(0) + i32(path) + i32(1) + i32(DIRECTORY) + i64(BOTH) + i64(BOTH) + i32(0) + i32(64) + \
        call(c.m.wasi("path_open")) + DROP
    shut = local(1) + i32(OUTPUTS) + NE + when(local(1), call(c.m.wasi("fd_close")), DROP)
    return c.code(i32(OUTPUTS), keep(1), repeat(0, 60_000, make, go, shut, i32(64), load(), keep(1))
                  ).bytes(locals=[(2, I32)])


@behaviour("output", "paths of 255-byte names, as long as they get", "an output's paths have 3 072 bytes at most",
           STORAGE, "too long")
def long_paths():
    c = Calls()
    for n in range(1, 15):
        c.call("path_create_directory", OUTPUTS, "/".join(["n" * 255] * n))
    return c.bytes()


@behaviour("output", "renames a directory of 10 000 entries to and fro",
           "every entry that a rename moves is paid, and every rename takes a node", LIMIT,
           instructions=200_000_000, memory=96)
def renames():
    def make(c, path):
        return i32(TMP) + i32(path) + i32(10) + call(c.m.wasi("path_create_directory")) + DROP
    c = Calls()
    path = c.text(b"d/aaaaaaaa")
    c.call("path_create_directory", TMP, "d")
    digits = b"".join(i32(path + 2) + local(0) + i32(4 * i) + b"\x76" + i32(15) + b"\x71" + i32(97) + ADD +
                      b"\x3a\x00" + u(i) for i in range(8))
    c.code(repeat(0, 10_000, digits, make(c, path)))
    a, b = c.text(b"d"), c.text(b"e")
    move = c.m.wasi("path_rename")
    return c.code(loop(*(i32(TMP) + i32(x) + i32(1) + i32(TMP) + i32(y) + i32(1) + call(move) + DROP
                         for x, y in ((a, b), (b, a))), br(0))).bytes(locals=[(1, I32)])


# ---- paths --------------------------------------------------------------------------------------------------

TREE = "paths are walked in a tree in memory; nothing of the host is in it"


@behaviour("paths", "leaves its directories: absolute paths, `..`, `a/../..`, /proc, /dev", TREE, COMPLETED)
def path_traversal():
    c = Calls().call("path_create_directory", OUTPUTS, "a")
    for path in ("/etc/passwd", "/", "//etc", "/inputs/x", "/proc/self/mem", "/dev/null"):
        c.open(OUTPUTS, path, gives=NOTCAPABLE)
    for path in ("..", "../tmp", "../../../../etc/passwd", "a/../..", "a/../../tmp", "./../x", "a/./.././../x"):
        c.open(OUTPUTS, path, CREATE, gives=NOTCAPABLE)
    for path in ("~/x", "\\..\\x", "C:\\x", "%2e%2e/x", "...", "proc/self/mem"):
        c.open(OUTPUTS, path, gives=NOENT)
    c.open(OUTPUTS, "a", DIRECTORY).open(FIRST, "../b", CREATE, gives=NOTCAPABLE)
    c.call("path_create_directory", FIRST, "../b", gives=NOTCAPABLE)
    c.call("path_unlink_file", FIRST, "../x", gives=NOTCAPABLE)
    c.call("path_remove_directory", FIRST, "..", gives=NOTCAPABLE)
    c.call("path_rename", FIRST, "../a", TMP, "a", gives=NOTCAPABLE)
    c.call("path_rename", OUTPUTS, "a", TMP, "../a", gives=NOTCAPABLE)
    return c.call("path_filestat_get", FIRST, 0, "..", 64, gives=NOTCAPABLE).bytes()


@behaviour("paths", "makes and reads symbolic and hard links", "there are none", COMPLETED)
def links():
    c = Calls().call("path_symlink", "/etc/passwd", OUTPUTS, "l", gives=NOTSUP)
    c.call("path_link", TMP, 1, "/etc/passwd", OUTPUTS, "l", gives=NOTSUP)
    return c.call("path_readlink", OUTPUTS, "l", 64, 64, 128, gives=NOTSUP).open(OUTPUTS, "l", lookup=1,
                                                                                gives=NOENT).bytes()


@behaviour("paths", "names with NUL, of no text, too long, empty, of 60 000 bytes", TREE, COMPLETED)
def odd_names():
    c = Calls(4)
    for path, gives in ((b"a\0b", NOENT), (b"\0", NOENT), (b"\xff\xfe", ILSEQ), (b"\xed\xa0\x80", ILSEQ), (b"", NOENT),
                        (b"n" * 256, NAMETOOLONG), (b"a/" * 2048 + b"a", NAMETOOLONG),
                        (b"n" * 60_000, NAMETOOLONG), (b"n" * 255, OK), (b"./" * 2000 + b"ok", OK),
                        (b"///" * 10, NOTCAPABLE), (b"\x1b[2J\x07", OK)):
        c.open(OUTPUTS, path, CREATE, gives=gives)
    return c.bytes()


@behaviour("paths", "`path_open` with every flag at once, unknown flags and rights", TREE, COMPLETED)
def odd_flags():
    c = Calls().open(OUTPUTS, "f", CREATE)
    c.open(OUTPUTS, "f", -1, gives=EXIST).open(OUTPUTS, "f", DIRECTORY, gives=NOTDIR)
    c.open(OUTPUTS, ".", TRUNCATE, gives=ISDIR).open(OUTPUTS, "g", EXCLUSIVE, gives=NOENT)
    c.open(OUTPUTS, "g", CREATE | DIRECTORY | EXCLUSIVE, gives=None)
    c.open(OUTPUTS, "h", 0xFFFFFFF0, rights=-1, lookup=-1, fdflags=-1, gives=NOENT)
    c.open(OUTPUTS, "f", 0xFFFFFFF0, rights=-1, lookup=-1, fdflags=-1)
    return c.open(FIRST, "x", gives=NOTDIR).open(1, "x", gives=BADF).open(99, "x", gives=BADF).bytes()


@behaviour("paths", "writes, renames and removes inputs", "inputs are read-only", COMPLETED)
def writes_inputs():
    c = Calls().open(INPUTS, "new", CREATE, gives=ROFS).call("path_create_directory", INPUTS, "new", gives=ROFS)
    c.call("path_remove_directory", INPUTS, ".", gives=ROFS)
    c.open(OUTPUTS, "f", CREATE).call("path_rename", OUTPUTS, "f", INPUTS, "f", gives=ROFS)
    return c.call("path_rename", INPUTS, ".", OUTPUTS, "f", gives=ROFS).bytes()


@behaviour("paths", "renames a directory into itself; removes the directory that it is in",
           "ancestors are compared; what is removed takes no new names", COMPLETED)
def loops_in_the_tree():
    c = Calls().call("path_create_directory", TMP, "d").call("path_create_directory", TMP, "d/e")
    c.call("path_rename", TMP, "d", TMP, "d/e/f", gives=INVAL).call("path_rename", TMP, ".", TMP, "x", gives=ROFS)
    c.open(TMP, "d/e", DIRECTORY).call("path_rename", TMP, "d", OUTPUTS, "d2")
    c.open(FIRST, "inside", CREATE).call("path_filestat_get", OUTPUTS, 0, "d2/e/inside", 64)
    c.call("path_unlink_file", OUTPUTS, "d2/e/inside").call("path_remove_directory", OUTPUTS, "d2/e")
    c.open(FIRST, "x", CREATE, gives=NOENT).call("path_create_directory", FIRST, "x", gives=NOENT)
    return c.call("path_rename", FIRST, ".", OUTPUTS, "x", gives=None).open(FIRST, "..", gives=NOTCAPABLE).bytes()


# ---- descriptors --------------------------------------------------------------------------------------------

TABLE = "1 024 descriptors, which are numbers of the job's own table"


@behaviour("descriptors", "closes 0, 1 and 2 and its directories, and uses them", TABLE, COMPLETED)
def closes_all():
    c = Calls()
    for fd in range(6):
        c.call("fd_close", fd).call("fd_close", fd, gives=BADF)
    c.call("fd_write", 1, 32, 1, 40, gives=BADF).call("fd_read", 0, 32, 1, 40, gives=BADF)
    c.call("fd_prestat_get", 3, 64, gives=BADF).call("fd_prestat_dir_name", 3, 64, 64, gives=BADF)
    return c.open(OUTPUTS, "x", CREATE, gives=BADF).call("fd_readdir", 4, 64, 64, 0, 40, gives=BADF).bytes()


@behaviour("descriptors", "renumbers files over standard output and directories, and back", TABLE, COMPLETED,
           stdout=b"")
def renumbers():
    c = Calls().open(OUTPUTS, "f", CREATE).call("fd_renumber", FIRST, 1)
    c.say(64, 8).call("fd_renumber", FIRST, 1, gives=BADF).call("fd_renumber", 1, 1)
    c.call("fd_renumber", 1, 4).open(OUTPUTS, "g", CREATE, gives=NOTDIR)
    c.call("fd_renumber", 4, 1024, gives=BADF).call("fd_renumber", 4, -1, gives=BADF)
    return c.call("fd_renumber", 77, 4, gives=BADF).call("fd_renumber", 4, 77, gives=BADF).bytes()


@behaviour("descriptors", "opens a file 10⁶ times and closes nothing", TABLE, COMPLETED,
           instructions=2_000_000_000)
def million_opens():
    c = Calls().open(TMP, "f", CREATE)
    again = c.arguments("path_open", [TMP, 0, c.text(b"f"), 1, 0, BOTH, BOTH, 0, 64])
    c.code(repeat(0, 1_000_000, again, call(c.m.wasi("path_open")), DROP))
    return c.open(TMP, "f", gives=MFILE).call("fd_close", 1023).open(TMP, "f").bytes(locals=[(1, I32)])


@behaviour("descriptors", "reads, writes, seeks, lists and closes descriptors that were never opened", TABLE,
           COMPLETED)
def never_opened():
    c = Calls()
    for fd in (6, 7, 1023, 1024, 65536, -1, 0x7FFFFFFF, -0x80000000):
        for wasi, args in (("fd_read", (32, 1, 40)), ("fd_write", (32, 1, 40)), ("fd_seek", (0, 0, 40)),
                           ("fd_close", ()), ("fd_tell", (40,)), ("fd_fdstat_get", (64,)), ("fd_sync", ()),
                           ("fd_filestat_get", (64,)), ("fd_readdir", (64, 64, 0, 40)), ("fd_advise", (0, 0, 0)),
                           ("fd_pread", (32, 1, 0, 40)), ("fd_pwrite", (32, 1, 0, 40)), ("fd_prestat_get", (64,)),
                           ("fd_fdstat_set_flags", (0,)), ("fd_filestat_set_size", (0,))):
            c.call(wasi, fd, *args, gives=BADF)
    return c.bytes()


@behaviour("descriptors", "seeks to 2⁶³, before the beginning, with an unknown origin; reads and writes there", TABLE,
           COMPLETED)
def odd_seeks():
    c = Calls().open(OUTPUTS, "f", CREATE)
    for offset, origin in ((1 << 63, 0), ((1 << 63) - 1, 0), (-1, 0), (-1, 1), (-1, 2), (0, 3), (0, 255),
                           ((1 << 40) + 1, 0)):
        c.call("fd_seek", FIRST, offset, origin, 64, gives=INVAL)
    c.call("fd_seek", FIRST, 1 << 40, 0, 64).call("fd_seek", FIRST, (1 << 63) - 1, 1, 64, gives=INVAL)
    c.call("fd_seek", 1, 0, 0, 64, gives=SPIPE).call("fd_tell", 0, 64, gives=SPIPE)
    c.code(i32(32), i32(64), store(), i32(36), i32(8), store())
    c.call("fd_pwrite", FIRST, 32, 1, 1 << 63, 40, gives=INVAL).call("fd_pread", FIRST, 32, 1, 1 << 63, 40)
    return c.call("fd_pread", FIRST, 32, 1, -1, 40).call("fd_pwrite", 1, 32, 1, 0, 40, gives=SPIPE).bytes()


# ---- pointers -----------------------------------------------------------------------------------------------

BOUNDS = "every pointer is compared with the memory before it is used"


@behaviour("pointers", "every function of WASI with pointers at the end of the memory, beyond it, and −1", BOUNDS,
           COMPLETED)
def wild_pointers():
    c = Calls().open(OUTPUTS, "f", CREATE, gives=OK)
    for wasi in sorted(WASI):
        if wasi == "proc_exit":
            continue
        for value in (-1, 65535, 65536, 0x7FFFFFFF, -0x80000000, -8):
            for fd in (0, 1, OUTPUTS, FIRST, value):
                args = [fd if i == 0 else value for i in range(len(WASI[wasi]))]
                if wasi in ("fd_close", "fd_renumber"):
                    args[0] = 77
                if fd == FIRST and wasi in ("fd_allocate", "fd_filestat_set_size", "fd_pwrite", "fd_seek"):
                    continue  # they take no pointer first, and a file may well be that large
                c.call(wasi, *args, gives=None)
    return c.bytes()


@behaviour("pointers", "results and texts that lie beyond the memory", BOUNDS, COMPLETED)
def results_outside():
    c = Calls()
    for at in (65533, 65536, -1, -4):
        for wasi, args in (("args_sizes_get", (at, 0)), ("args_sizes_get", (0, at)), ("environ_sizes_get", (at, at)),
                           ("clock_time_get", (0, 0, at)), ("clock_res_get", (0, at)), ("random_get", (at, 64)),
                           ("fd_fdstat_get", (1, at)), ("fd_filestat_get", (1, at)), ("fd_prestat_get", (3, at)),
                           ("fd_prestat_dir_name", (3, at, 64)), ("poll_oneoff", (at, 0, 1, 64)),
                           ("poll_oneoff", (0, at, 1, 64)), ("fd_readdir", (4, at, 64, 0, 40)),
                           ("path_create_directory", (4, at, 8)), ("path_filestat_get", (4, 0, at, 8, 64)),
                           ("path_open", (4, 0, at, 8, 1, BOTH, BOTH, 0, 64)), ("path_rename", (4, at, 8, 4, at, 8)),
                           ("fd_write", (1, at, 1, 40)), ("fd_read", (0, at, 1, 40))):
            c.call(wasi, *args, gives=FAULT)
    return c.bytes()


@behaviour("pointers", "iovecs: 2³² − 1 of them, lengths that wrap, the list as its own buffer", BOUNDS, COMPLETED)
def wild_iovecs():
    c = Calls().open(OUTPUTS, "f", CREATE)
    for n in (-1, 1025, 0x7FFFFFFF, -0x80000000):
        c.call("fd_write", 1, 0, n, 40, gives=INVAL).call("fd_read", 0, 0, n, 40, gives=INVAL)
        c.call("fd_pwrite", FIRST, 0, n, 0, 40, gives=INVAL).call("fd_pread", FIRST, 0, n, 0, 40, gives=INVAL)
    for at, n in ((64, -1), (-1, 1), (65536, 1), (65535, 2), (0x7FFFFFFF, 0x7FFFFFFF), (-16, 16), (-16, 64)):
        c.code(i32(32), i32(at), store(), i32(36), i32(n), store())
        for fd in (1, FIRST):
            c.call("fd_write", fd, 32, 1, 40, gives=FAULT)
        c.call("fd_read", FIRST, 32, 1, 40, gives=FAULT)
    # A read into the list of buffers itself: each row is read once, before its bytes arrive.
    c.code(i32(32), i32(32), store(), i32(36), i32(16), store())
    return c.call("fd_pwrite", FIRST, 32, 1, 0, 40).call("fd_pread", FIRST, 32, 1, 0, 40).bytes()


# ---- what it can find out -----------------------------------------------------------------------------------

@behaviour("probing", "reads every clock a thousand times", "a virtual clock: each reading moves it by 1 ms",
           COMPLETED)
def clocks():
    c = Calls()
    for clock in range(4):
        c.code(i32(0), keep(0), repeat(0, 1000, i32(clock), i64(0), i32(1024), call(c.m.wasi("clock_time_get")),
                                       DROP))
        c.say(1024, 8).call("clock_res_get", clock, 1024).say(1024, 8)
    c.call("clock_time_get", 4, 0, 1024, gives=INVAL).call("clock_time_get", -1, 0, 1024, gives=INVAL)
    return c.bytes(locals=[(1, I32)])


@behaviour("probing", "prints 32 KiB of random", "random is SHA-256 of the spec's seed and a counter", COMPLETED)
def random_stream():
    return Calls(2).call("random_get", 65536, 32768).say(65536, 32768).bytes()


@behaviour("probing", "looks for an environment, a working folder, arguments of the host",
           "arguments and environment are those of the spec", COMPLETED, stdout=bytes(8) + b"\1\0\0\0\6\0\0\0",
           args=("probe",))
def environment():
    c = Calls().call("environ_sizes_get", 1024, 1028).say(1024, 8)
    return c.call("args_sizes_get", 1024, 1028).say(1024, 8).bytes()


@behaviour("probing", "looks at times, inode numbers, devices and owners of its directories",
           "files are of one date; numbers count what was made", COMPLETED)
def file_status():
    c = Calls()
    for fd in range(6):
        c.call("fd_filestat_get", fd, 1024).say(1024, 64).call("fd_fdstat_get", fd, 1024).say(1024, 24)
    c.open(TMP, "f", CREATE).call("fd_filestat_set_times", FIRST, 1, 1, 15).call("fd_filestat_get", FIRST, 1024)
    return c.say(1024, 64).bytes()


@behaviour("probing", "reads memory that it has never written: 16 MiB of it", "memory begins as zeros", COMPLETED)
def old_memory():
    c = Calls(256)
    add = (local(1), local(0), load(65536), b"\x72", keep(1))
    c.code(loop(*add, local(0), i32(4096), ADD, b"\x22\x00", i32(240 * 65536), b"\x49", br_if(0)))
    return c.code(local(1), when(i32(9), call(c.exit))).bytes(locals=[(2, I32)])


CANONICAL = 0x7FF8000000000000


@behaviour("probing", "NaN payloads: of ten operations, with payloads and signs put in",
           "a NaN that an operation makes has one bit pattern", COMPLETED,
           stdout=CANONICAL.to_bytes(8, "little") * 10)
def nan_payloads():
    c = Calls()
    nan, minus, big = f64(0x7FF0DEAD00000001), f64(0xFFF8BEEF00000000), f64(0x7FF0000000000000)
    zero, less = f64(0), f64(0xBFF0000000000000)
    cases = [nan + zero + b"\xa0", minus + nan + b"\xa1", nan + nan + b"\xa2", zero + zero + b"\xa3",
             less + b"\x9f", nan + zero + b"\xa4", zero + minus + b"\xa5", big + big + b"\xa1",
             nan + b"\xb6\xbb", nan + b"\x9c"]
    for i, code in enumerate(cases):
        c.code(i32(1024 + 8 * i), code, b"\x39\x03\x00")
    return c.say(1024, 80).bytes()


@behaviour("probing", "sockets: accept, receive, send, shut down", "there is no network", COMPLETED)
def sockets():
    c = Calls()
    for fd in (0, 1, 3, 6, 1024, -1):
        c.call("sock_accept", fd, 0, 64, gives=NOTSUP).call("sock_recv", fd, 0, 1, 0, 64, 72, gives=NOTSUP)
        c.call("sock_send", fd, 0, 1, 0, 64, gives=NOTSUP).call("sock_shutdown", fd, 3, gives=NOTSUP)
    return c.bytes()


# ---- how it ends itself -------------------------------------------------------------------------------------

@behaviour("ends", "`proc_exit` with −1", "an exit status is 32 bits without a sign", COMPLETED, exit=0xFFFFFFFF)
def exit_minus_one():
    c = Calls()
    return c.code(i32(-1), call(c.exit)).bytes()


@behaviour("ends", "`proc_exit` with 2³¹ inside the start function", "an exit status is 32 bits without a sign",
           COMPLETED, exit=1 << 31)
def exit_in_start_function():
    m = Module()
    m.begin = m.function(i32(1 << 31), call(m.wasi("proc_exit")))
    m.start(UNREACHABLE)
    return m.bytes()


@behaviour("ends", "`proc_raise` with every signal", "there are no signals", COMPLETED)
def raises():
    c = Calls()
    for signal in (*range(32), -1, 1 << 30):
        c.call("proc_raise", signal, gives=NOTSUP)
    return c.bytes()


TRAP = "a trap ends the job, and nothing else"


@behaviour("ends", "`unreachable`, also in the start function", TRAP, EXCEPTION, "unreachable code was reached")
def unreachable():
    m = Module()
    m.begin = m.function(UNREACHABLE)
    m.start()
    return [program(UNREACHABLE), m.bytes()]


@behaviour("ends", "divides by zero, and the least number by −1", TRAP, EXCEPTION, "integer", count=LIMIT)
def bad_divisions():
    return [program(i32(1), i32(0), DIV, DROP), program(i32(1), i32(0), b"\x70", DROP),
            program(i32(-0x80000000), i32(-1), DIV, DROP), program(i64(1), i64(0), b"\x7f", DROP)]


@behaviour("ends", "indirect calls: of null, of another type, beyond the table", TRAP, EXCEPTION, "", memory=64)
def bad_indirect_calls():
    out = []
    for body in (i32(0), i32(1), i32(99), i32(-1)):
        m = Module()
        m.table(2)
        m.elements.append(b"\0" + i32(1) + END + vec([u(0)]))
        m.start(body, indirect(m.kind((), (I32,))), DROP)
        out.append(m.bytes())
    return out


@behaviour("ends", "loads and stores beyond the memory, by addresses and by offsets", TRAP, EXCEPTION,
           "memory access out of bounds", count=LIMIT)
def bad_addresses():
    return [program(i32(-4), load(), DROP), program(i32(65533), load(), DROP), program(i32(0), load(0xFFFFFFFF), DROP),
            program(i32(-1), load(0xFFFFFFFF), DROP), program(i32(-1), i32(1), store(0xFFFFFFFF)),
            program(i32(65536), i32(1), b"\x3a\0\0")]


@behaviour("ends", "makes an integer of NaN and of 10³⁰⁰", TRAP, EXCEPTION, "", count=LIMIT)
def bad_conversions():
    return [program(f64(CANONICAL), b"\xaa", DROP), program(f64(0x7E37E43C8800759C), b"\xaa", DROP)]


# ---- compile bombs ------------------------------------------------------------------------------------------

def same_functions(n, body, locals=()):
    """n equal functions beside the entry."""
    m = Module().memory(1)
    m.start(NOP)
    kind = m.kind()
    one = sized(vec(u(k) + bytes([t]) for k, t in locals) + body + END)
    m.functions += [u(kind)] * n
    m.bodies += [one] * n
    return m.bytes()


JAIL = "compiled in a process of its own: 2 GiB, 60 s of processor time"
DECLINED = "declined"


@behaviour("compile", "100 branch tables of 60 000 targets each", JAIL, COMPLETED, memory=700)
def switches():
    return same_functions(1, block(i32(0), b"\x0e" + u(60_000) + bytes(60_001)) * 100)


@behaviour("compile", "a branch table of 60 000 targets inside 60 000 blocks", JAIL, COMPLETED, memory=300)
def nested_switch():
    targets = b"".join(u(i) for i in range(60_000))
    return same_functions(1, b"\x02\x40" * 60_000 + i32(0) + b"\x0e" + u(60_000) + targets + u(0) + END * 60_000)


@behaviour("compile", "500 functions of 50 000 locals each", JAIL, COMPLETED, memory=200)
def locals_times_functions():
    return same_functions(500, b"", [(50_000, I32)])


@behaviour("compile", "20 000 functions", JAIL, COMPLETED, memory=700)
def many_functions():
    return same_functions(20_000, b"")


@behaviour("compile", "an expression 100 000 values deep", JAIL, COMPLETED, memory=700)
def deep_expression():
    return same_functions(1, i32(1) * 100_000 + ADD * 99_999 + DROP)


@behaviour("compile", "2 000 nested loops over 1 000 locals", JAIL, COMPLETED, memory=500)
def nested_loops():
    chance = random.Random(1)

    def some():
        return chance.randrange(1000)
    body = b"".join(b"\x03\x40" + local(some()) + br_if(0) + b"".join(local(some()) + keep(some()) for _ in range(3))
                    for _ in range(2000))
    return same_functions(1, body + END * 2000, [(1000, I32)])


@behaviour("compile", "22 000 `if`s over 1 000 locals: 264 KB that take more than 2 GiB to compile", JAIL, DECLINED,
           "cannot be compiled", memory=2200)
def more_memory_than_there_is():
    chance = random.Random(1)

    def some():
        return chance.randrange(1000)
    body = b"".join(local(some()) + when(local(some()), keep(some())) for _ in range(22_000))
    return same_functions(1, body, [(1000, I32)])
