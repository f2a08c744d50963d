/** What is asked of the launcher, over its IPC channel; `id` names a process from its start to its end. */
export type Request =
  | {
      readonly ask: "launch";
      readonly id: number;
      readonly argv: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly directory: string;
      /** Its standard input: these bytes and then its end, open until the process ends, or nothing. */
      readonly input: Uint8Array | "open" | undefined;
      /** Files that it finds open for reading, as descriptor 3 and so on. */
      readonly files: readonly string[];
    }
  /** See `enter` in launch.ts. */
  | {
      readonly ask: "enter";
      readonly id: number;
      /** The id of the shell. */
      readonly shell: number;
      readonly directory: string;
      readonly script: string;
      readonly fifo: string | undefined;
      readonly input: Uint8Array | undefined;
    }
  | { readonly ask: "kill"; readonly id: number }
  /** What it prints there from now on is read and dropped. */
  | { readonly ask: "mute"; readonly id: number; readonly stream: "stdout" | "stderr" };

/** What the launcher tells: any number of `output`, `exited`, more `output` perhaps, and at last `closed` or `failed`. */
export type Notice =
  | { readonly tell: "output"; readonly id: number; readonly stream: "stdout" | "stderr"; readonly chunk: Uint8Array }
  | { readonly tell: "exited"; readonly id: number }
  | { readonly tell: "closed"; readonly id: number; readonly exitCode: number | undefined }
  | { readonly tell: "failed"; readonly id: number; readonly because: string };
