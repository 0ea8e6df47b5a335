//! The filter of system calls for what no namespace holds: the keyrings that a build shares with
//! the service and its other builds, and sockets to the host of a virtual machine.
//!
//! A program for the kernel's packet filter (seccomp(2), `linux/bpf_common.h`, `linux/seccomp.h`),
//! as bubblewrap reads it from a descriptor. Native calls of x86 and ARM and their 32-bit variants
//! are known; on another architecture nothing is filtered. Nor is `socketcall` of 32-bit x86: its
//! arguments cannot be seen.

use std::{
    io::{self, Seek, Write},
    os::fd::{AsRawFd, OwnedFd, RawFd},
    process::{Child, Command},
    sync::{Mutex, PoisonError},
};

use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
    io::{Errno, FdFlags, fcntl_setfd},
};

/// One architecture (`linux/audit.h`) and its numbers of the calls (its `asm/unistd.h`).
struct Architecture {
    audit: u32,
    /// `add_key`; `request_key` and `keyctl` follow it everywhere.
    add_key: u32,
    socket: u32,
}

const ARCHITECTURES: [Architecture; 4] = [
    // x86_64, and x32 with a bit of its own in the number.
    Architecture {
        audit: 0xc000_003e,
        add_key: 248,
        socket: 41,
    },
    // i386
    Architecture {
        audit: 0x4000_0003,
        add_key: 286,
        socket: 359,
    },
    // aarch64
    Architecture {
        audit: 0xc000_00b7,
        add_key: 217,
        socket: 198,
    },
    // arm
    Architecture {
        audit: 0x4000_0028,
        add_key: 309,
        socket: 281,
    },
];

/// The number on all of them. Its ring opens sockets too, which no filter sees.
const IO_URING_SETUP: u32 = 425;
/// What x32 adds to its numbers (`__X32_SYSCALL_BIT`).
const X32: u32 = 0x4000_0000;
/// `linux/socket.h`
const AF_VSOCK: u32 = 40;

/// Offsets in `struct seccomp_data`; all of [`ARCHITECTURES`] are little-endian.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

/// `SECCOMP_RET_ALLOW`
const ALLOW: u32 = 0x7fff_0000;
/// `SECCOMP_RET_ERRNO`
const REFUSE: u32 = 0x0005_0000;

/// `struct sock_filter`
#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    /// How many instructions to pass over, if the comparison holds and if not.
    then: u8,
    otherwise: u8,
    value: u32,
}

/// `BPF_LD | BPF_W | BPF_ABS`
const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`
const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JEQ | BPF_K`
const IF_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGE | BPF_K`
const IF_AT_LEAST: u16 = 0x35;
/// `BPF_RET | BPF_K`
const RETURN: u16 = 0x06;

const fn plain(code: u16, value: u32) -> Instruction {
    jump(code, value, 0, 0)
}

const fn jump(code: u16, value: u32, then: u8, otherwise: u8) -> Instruction {
    Instruction {
        code,
        then,
        otherwise,
        value,
    }
}

fn refuse(error: Errno) -> Instruction {
    plain(RETURN, REFUSE | error.raw_os_error().unsigned_abs())
}

impl Architecture {
    /// Passed over as a whole where the architecture is another.
    fn instructions(&self) -> [Instruction; 13] {
        [
            plain(LOAD, ARCHITECTURE),
            jump(IF_EQUAL, self.audit, 0, 11),
            plain(LOAD, NUMBER),
            plain(AND, !X32),
            jump(IF_EQUAL, IO_URING_SETUP, 2, 0),
            jump(IF_AT_LEAST, self.add_key + 3, 2, 0),
            jump(IF_AT_LEAST, self.add_key, 0, 1),
            refuse(Errno::NOSYS),
            jump(IF_EQUAL, self.socket, 0, 3),
            plain(LOAD, FIRST_ARGUMENT),
            jump(IF_EQUAL, AF_VSOCK, 0, 1),
            refuse(Errno::AFNOSUPPORT),
            plain(RETURN, ALLOW),
        ]
    }
}

fn program() -> Vec<Instruction> {
    let known = ARCHITECTURES.iter().flat_map(Architecture::instructions);
    known.chain([plain(RETURN, ALLOW)]).collect()
}

impl Instruction {
    fn bytes(self) -> impl Iterator<Item = u8> {
        let head = self.code.to_ne_bytes().into_iter();
        head.chain([self.then, self.otherwise])
            .chain(self.value.to_ne_bytes())
    }
}

/// A file in memory that holds the filter, for one process.
#[derive(Debug)]
pub(crate) struct Filter(OwnedFd);

/// While a filter can be inherited, no other process of ours starts: it would share the file's
/// position.
static STARTING: Mutex<()> = Mutex::new(());

impl Filter {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = std::fs::File::from(memfd_create("chela-filter", flags)?);
        let bytes: Vec<u8> = program().into_iter().flat_map(Instruction::bytes).collect();
        file.write_all(&bytes)?;
        file.rewind()?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        Ok(Self(file.into()))
    }

    pub(crate) fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Starts a process that inherits the filter, if there is one.
pub(crate) fn spawn(command: &mut Command, filter: Option<&Filter>) -> io::Result<Child> {
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(Filter(file)) = filter else {
        return command.spawn();
    };
    fcntl_setfd(file, FdFlags::empty())?;
    let child = command.spawn();
    fcntl_setfd(file, FdFlags::CLOEXEC)?;
    child
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel makes of the program.
    fn verdict(audit: u32, number: u32, argument: u32) -> u32 {
        let program = program();
        let (mut next, mut value) = (0, 0);
        loop {
            let Instruction {
                code,
                then,
                otherwise,
                value: k,
            } = program[next];
            next += 1;
            let holds = match code {
                LOAD => {
                    value = match k {
                        NUMBER => number,
                        ARCHITECTURE => audit,
                        FIRST_ARGUMENT => argument,
                        other => panic!("nothing is loaded from {other}"),
                    };
                    continue;
                }
                AND => {
                    value &= k;
                    continue;
                }
                RETURN => return k,
                IF_EQUAL => value == k,
                IF_AT_LEAST => value >= k,
                other => panic!("no instruction has the code {other:#x}"),
            };
            next += usize::from(if holds { then } else { otherwise });
        }
    }

    #[test]
    fn keys_rings_and_sockets_to_the_host_are_refused_and_nothing_else() {
        let no_call = 0x0005_0026;
        let no_family = 0x0005_0061;
        for (audit, base, keys, socket) in [
            (0xc000_003e, 0, 248..=250, 41),
            (0xc000_003e, X32, 248..=250, 41),
            (0x4000_0003, 0, 286..=288, 359),
            (0xc000_00b7, 0, 217..=219, 198),
            (0x4000_0028, 0, 309..=311, 281),
        ] {
            for number in 0..600 {
                let expected = match number {
                    425 => no_call,
                    number if keys.contains(&number) => no_call,
                    number if number == socket => no_family,
                    _ => ALLOW,
                };
                let found = verdict(audit, base + number, 40);
                assert_eq!(found, expected, "{audit:#x}: {number}");
            }
            assert_eq!(verdict(audit, base + socket, 2), ALLOW, "{audit:#x}");
        }
        // riscv64
        assert_eq!(verdict(0xc000_00f3, 219, 40), ALLOW);
    }
}
