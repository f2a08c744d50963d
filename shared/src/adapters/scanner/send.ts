import type { Writable } from "node:stream";

/**
 * Writes, and resolves when there is room for more; to whom hung up, it resolves as well: what became of the other side is
 * found by who reads its answer. The stream needs a listener for its errors.
 */
export async function send(stream: Writable, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    if (stream.destroyed) resolve();
    else stream.write(bytes, () => resolve());
  });
}
