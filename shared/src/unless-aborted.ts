/**
 * What work comes to, unless the signal comes first: then nobody waits for it any more, and it goes on by itself.
 *
 * @throws the signal's reason, at once when it has come already; whatever the work throws.
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
