import type { ClientRequest } from "node:http";

/**
 * Gives a request up that has no connection yet. Node gives it one only once the connection leads to the server, through
 * the tunnel of a proxy too; until then, which is never where a proxy does not answer, the request heeds neither a timeout
 * nor its signal (https://nodejs.org/api/http.html#event-socket). From then on both are the request's own business.
 *
 * @param giveUp Gets the signal's reason, or an Error when there is no connection in time; the request is over by then.
 */
export function untilConnected(
  request: ClientRequest,
  within: { readonly ms: number; readonly signal?: AbortSignal | null | undefined },
  giveUp: (reason: unknown) => void,
): void {
  const { ms, signal } = within;
  const end = (reason: unknown): void => {
    leave();
    request.destroy();
    giveUp(reason);
  };
  const aborted = (): void => end(signal?.reason);
  const late = setTimeout(() => end(new Error(`no connection came about within ${ms / 1000} s`)), ms);
  const leave = (): void => {
    clearTimeout(late);
    signal?.removeEventListener("abort", aborted);
  };
  signal?.addEventListener("abort", aborted);
  request.once("socket", leave).once("close", leave);
  if (signal?.aborted) aborted();
}
