import { endianness } from "node:os";

/** System calls that no step needs and that have opened ways out of sandboxes, with their numbers on each processor. */
const denied: Readonly<Record<string, { readonly x64: number; readonly arm64: number }>> = {
  acct: { x64: 163, arm64: 89 },
  add_key: { x64: 248, arm64: 217 },
  bpf: { x64: 321, arm64: 280 },
  delete_module: { x64: 176, arm64: 106 },
  finit_module: { x64: 313, arm64: 273 },
  fsconfig: { x64: 431, arm64: 431 },
  fsmount: { x64: 432, arm64: 432 },
  fsopen: { x64: 430, arm64: 430 },
  fspick: { x64: 433, arm64: 433 },
  init_module: { x64: 175, arm64: 105 },
  io_uring_enter: { x64: 426, arm64: 426 },
  io_uring_register: { x64: 427, arm64: 427 },
  io_uring_setup: { x64: 425, arm64: 425 },
  kexec_file_load: { x64: 320, arm64: 294 },
  kexec_load: { x64: 246, arm64: 104 },
  keyctl: { x64: 250, arm64: 219 },
  mount: { x64: 165, arm64: 40 },
  mount_setattr: { x64: 442, arm64: 442 },
  move_mount: { x64: 429, arm64: 429 },
  name_to_handle_at: { x64: 303, arm64: 264 },
  open_by_handle_at: { x64: 304, arm64: 265 },
  open_tree: { x64: 428, arm64: 428 },
  perf_event_open: { x64: 298, arm64: 241 },
  personality: { x64: 135, arm64: 92 },
  pivot_root: { x64: 155, arm64: 41 },
  process_vm_readv: { x64: 310, arm64: 270 },
  process_vm_writev: { x64: 311, arm64: 271 },
  quotactl: { x64: 179, arm64: 60 },
  reboot: { x64: 169, arm64: 142 },
  request_key: { x64: 249, arm64: 218 },
  setns: { x64: 308, arm64: 268 },
  swapoff: { x64: 168, arm64: 225 },
  swapon: { x64: 167, arm64: 224 },
  syslog: { x64: 103, arm64: 116 },
  umount2: { x64: 166, arm64: 39 },
  unshare: { x64: 272, arm64: 97 },
  userfaultfd: { x64: 323, arm64: 282 },
};
/** `clone3` hides its flags behind a pointer; programs fall back to `clone` when it does not exist. */
const clone3 = 435;
const clone = { x64: 56, arm64: 220 };
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of `sched.h`. */
const cloneNamespaces = 0x7e02_0000;
/** AUDIT_ARCH_* of `linux/audit.h`. */
const architectures = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** System calls of the x32 ABI have this bit; there is no reason to use them. */
const x32Bit = 0x4000_0000;

const loadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
const jumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const jumpIfSet = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const answer = 0x06; // BPF_RET | BPF_K
const allow = 0x7fff_0000;
const notPermitted = 0x0005_0001; // SECCOMP_RET_ERRNO | EPERM
const notThere = 0x0005_0026; // SECCOMP_RET_ERRNO | ENOSYS
const kill = 0x8000_0000;
/** Offsets in `struct seccomp_data`. */
const numberAt = 0;
const architectureAt = 4;
const firstArgumentAt = 16;

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];

/**
 * A classic BPF program for `bwrap --seccomp` that refuses those calls and new namespaces; undefined for a processor it
 * has no numbers for. The layout is that of `struct sock_filter` in `linux/filter.h`.
 */
export function seccompProgram(processor: string): Buffer | undefined {
  if ((processor !== "x64" && processor !== "arm64") || endianness() !== "LE") return undefined;
  const refuse = (number: number, verdict: number): Instruction[] => [
    [jumpIfEqual, 0, 1, number],
    [answer, 0, 0, verdict],
  ];
  const program: Instruction[] = [
    [loadWord, 0, 0, architectureAt],
    [jumpIfEqual, 1, 0, architectures[processor]],
    [answer, 0, 0, kill],
    [loadWord, 0, 0, numberAt],
    ...(processor === "x64"
      ? ([
          [jumpIfSet, 0, 1, x32Bit],
          [answer, 0, 0, notThere],
        ] satisfies Instruction[])
      : []),
    ...Object.values(denied).flatMap((numbers) => refuse(numbers[processor], notPermitted)),
    ...refuse(clone3, notThere),
    [jumpIfEqual, 0, 3, clone[processor]],
    [loadWord, 0, 0, firstArgumentAt],
    [jumpIfSet, 0, 1, cloneNamespaces],
    [answer, 0, 0, notPermitted],
    [answer, 0, 0, allow],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, jumpTrue, jumpFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  });
  return bytes;
}
