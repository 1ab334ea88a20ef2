"""Writes WebAssembly modules byte by byte, by the binary format of the core specification (version 1 with bulk
memory), so that a test can also write what no compiler would."""

I32, I64, F32, F64, V128, FUNCREF = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70
MAGIC = b"\0asm\1\0\0\0"

# WASI preview 1: the parameters of each function (i: 32 bits, I: 64 bits). All but proc_exit give 32 bits.
WASI = {
    "args_get": "ii", "args_sizes_get": "ii", "environ_get": "ii", "environ_sizes_get": "ii",
    "clock_res_get": "ii", "clock_time_get": "iIi", "random_get": "ii", "poll_oneoff": "iiii",
    "sched_yield": "", "proc_exit": "i", "proc_raise": "i", "sock_accept": "iii", "sock_recv": "iiiiii",
    "sock_send": "iiiii", "sock_shutdown": "ii", "fd_advise": "iIIi", "fd_allocate": "iII", "fd_close": "i",
    "fd_datasync": "i", "fd_fdstat_get": "ii", "fd_fdstat_set_flags": "ii", "fd_fdstat_set_rights": "iII",
    "fd_filestat_get": "ii", "fd_filestat_set_size": "iI", "fd_filestat_set_times": "iIIi",
    "fd_pread": "iiiIi", "fd_prestat_get": "ii", "fd_prestat_dir_name": "iii", "fd_pwrite": "iiiIi",
    "fd_read": "iiii", "fd_readdir": "iiiIi", "fd_renumber": "ii", "fd_seek": "iIii", "fd_sync": "i",
    "fd_tell": "ii", "fd_write": "iiii", "path_create_directory": "iii", "path_filestat_get": "iiiii",
    "path_filestat_set_times": "iiiiIIi", "path_link": "iiiiiii", "path_open": "iiiiiIIii",
    "path_readlink": "iiiiii", "path_remove_directory": "iii", "path_rename": "iiiiii",
    "path_symlink": "iiiii", "path_unlink_file": "iii"}


def u(n):
    """Unsigned LEB128."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def s(n):
    """Signed LEB128."""
    out = bytearray()
    while not -64 <= n < 64:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n & 127)
    return bytes(out)


def sized(data):
    return u(len(data)) + data


def vec(items):
    items = list(items)
    return u(len(items)) + b"".join(items)


def name(text):
    return sized(text if isinstance(text, bytes) else text.encode())


def section(number, data):
    return bytes([number]) + sized(data)


def custom(text, data):
    return section(0, name(text) + data)


# ---- instructions -------------------------------------------------------------------------------------------

UNREACHABLE, NOP, RETURN, DROP, END = b"\x00", b"\x01", b"\x0f", b"\x1a", b"\x0b"
ADD, SUB, MUL, DIV, REM, AND, NE, LT = (bytes([c]) for c in (0x6A, 0x6B, 0x6C, 0x6D, 0x6F, 0x71, 0x47, 0x49))
MEMORY_SIZE, GROW = b"\x3f\x00", b"\x40\x00"
FILL, COPY = b"\xfc\x0b\x00", b"\xfc\x0a\x00\x00"


def i32(n):
    n &= 0xFFFFFFFF
    return b"\x41" + s(n - (1 << 32) if n >> 31 else n)


def i64(n):
    n &= (1 << 64) - 1
    return b"\x42" + s(n - (1 << 64) if n >> 63 else n)


def f64(bits):
    return b"\x44" + bits.to_bytes(8, "little")


def call(index):
    return b"\x10" + u(index)


def indirect(kind, table=0):
    return b"\x11" + u(kind) + u(table)


def local(index):
    return b"\x20" + u(index)


def keep(index):
    return b"\x21" + u(index)


def block(*body):
    return b"\x02\x40" + b"".join(body) + END


def loop(*body):
    return b"\x03\x40" + b"".join(body) + END


def when(*body):
    return b"\x04\x40" + b"".join(body) + END


def br(depth):
    return b"\x0c" + u(depth)


def br_if(depth):
    return b"\x0d" + u(depth)


def load(offset=0):
    return b"\x28\x02" + u(offset)


def store(offset=0):
    return b"\x36\x02" + u(offset)


def repeat(counter, n, *body):
    """The body n times; `counter` is a 32-bit local that is 0 before."""
    return loop(*body, local(counter), i32(1), ADD, b"\x22" + u(counter), i32(n), LT, br_if(0))


# ---- a module -----------------------------------------------------------------------------------------------

class Module:
    """Parts are added in any order, but imports before functions; bytes() is the module."""

    def __init__(self):
        self.types, self.imports, self.functions, self.bodies = [], [], [], []
        self.tables, self.memories, self.globals, self.exports = [], [], [], []
        self.elements, self.data_segments, self.begin, self.after = [], [], None, b""
        self.imported = 0
        self.known = {}

    def kind(self, params=(), results=()):
        t = b"\x60" + vec(bytes([p]) for p in params) + vec(bytes([r]) for r in results)
        if t not in self.types:
            self.types.append(t)
        return self.types.index(t)

    def function_import(self, module, field, params=(), results=()):
        assert not self.functions, "imports come before functions"
        self.imports.append(name(module) + name(field) + b"\0" + u(self.kind(params, results)))
        self.imported += 1
        return self.imported - 1

    def wasi(self, call_name):
        """The index of a function of WASI, which is imported when it is first asked for."""
        if call_name not in self.known:
            params = [I64 if c == "I" else I32 for c in WASI[call_name]]
            results = () if call_name == "proc_exit" else (I32,)
            self.known[call_name] = self.function_import("wasi_snapshot_preview1", call_name, params,
                                                         results)
        return self.known[call_name]

    def memory(self, least=1, most=None, export="memory"):
        limits = b"\0" + u(least) if most is None else b"\1" + u(least) + u(most)
        self.memories.append(limits)
        if export:
            self.export(export, 2, len(self.memories) - 1)
        return self

    def function(self, *body, params=(), results=(), locals=(), export=None):
        """locals: pairs of (how many, type)."""
        self.functions.append(u(self.kind(params, results)))
        groups = vec(u(n) + bytes([t]) for n, t in locals)
        self.bodies.append(sized(groups + b"".join(body) + END))
        index = self.imported + len(self.functions) - 1
        if export is not None:
            self.export(export, 0, index)
        return index

    def start(self, *body, **more):
        return self.function(*body, export="_start", **more)

    def export(self, text, kind, index):
        self.exports.append(name(text) + bytes([kind]) + u(index))

    def table(self, least, most=None):
        self.tables.append(b"\x70" + (b"\0" + u(least) if most is None else b"\1" + u(least) + u(most)))

    def data(self, at, content):
        self.data_segments.append(b"\0" + i32(at) + END + sized(content))
        return self

    def bytes(self):
        parts = [(1, self.types), (2, self.imports), (3, self.functions), (4, self.tables),
                 (5, self.memories), (6, self.globals), (7, self.exports)]
        out = [MAGIC] + [section(n, vec(p)) for n, p in parts if p]
        if self.begin is not None:
            out.append(section(8, u(self.begin)))
        out += [section(n, vec(p)) for n, p in ((9, self.elements), (10, self.bodies),
                                                (11, self.data_segments)) if p]
        return b"".join(out) + self.after


def program(*body, locals=(), pages=1):
    """The shortest module that does something: a memory and an entry."""
    m = Module().memory(pages)
    m.start(*body, locals=locals)
    return m.bytes()
