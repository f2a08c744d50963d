import { connect, type Socket } from "node:net";
import { ScannerUnavailable, type ArtifactScanner, type ScanVerdict } from "../../ports/artifact-scanner.ts";
import { send } from "./send.ts";

/** Where clamd listens. It neither encrypts nor asks who is there: a socket of this machine, or a network of its own. */
export type ClamdAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** The longest piece that is sent at once; clamd takes any. */
const pieceBytes = 64 * 1024;

/** Longer than any answer: the name of a finding. */
const mostAnswerCharacters = 4_096;

/**
 * ClamAV's daemon over its socket: each file is one connection and one INSTREAM command
 * (https://docs.clamav.net/manual/Usage/ClamdProtocol.html).
 *
 * clamd calls a file clean that is larger than its MaxFileSize, since it looks at a part of it alone, unless
 * `AlertExceedsMax yes` is set: https://docs.clamav.net/manual/Usage/Configuration.html.
 *
 * @param options.timeoutMs How long clamd may neither take nor say anything.
 */
export function createClamdScanner(options: {
  readonly address: ClamdAddress;
  readonly timeoutMs: number;
}): ArtifactScanner {
  return {
    async scan(body) {
      return verdictOf(await ask(options, "INSTREAM", body));
    },
    async check() {
      const answer = await ask(options, "PING");
      if (answer !== "PONG") throw unavailable(options.address, `it answered PING with ${JSON.stringify(answer)}`);
    },
  };
}

function verdictOf(answer: string): ScanVerdict {
  const [, finding] = /^stream: (.+) FOUND$/.exec(answer) ?? [];
  if (finding !== undefined) return { kind: "infected", finding };
  if (answer === "stream: OK") return { kind: "clean" };
  if (/size limit exceeded/i.test(answer)) {
    return { kind: "refused", because: "it is larger than clamd's StreamMaxLength" };
  }
  throw new ScannerUnavailable(`clamd could not scan a file: it answered ${JSON.stringify(answer)}.`);
}

/** Sends a command, and a body in pieces after it, and reads the answer, which may come before all of the body was sent. */
async function ask(
  { address, timeoutMs }: { readonly address: ClamdAddress; readonly timeoutMs: number },
  command: string,
  body?: AsyncIterable<Uint8Array>,
): Promise<string> {
  const socket = connect(address);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`it said nothing for ${timeoutMs / 1000} s`)));
  const conversation = { answered: false };
  const answer = readAnswer(socket).finally(() => (conversation.answered = true));
  // Should it fail while the body is being read, that is found when it is awaited below.
  answer.catch(() => undefined);
  try {
    await send(socket, Buffer.from(`z${command}\0`));
    if (body !== undefined) await sendPieces(socket, body, conversation);
    return await answer.catch((error: unknown) => {
      throw unavailable(address, error instanceof Error ? error.message : String(error), error);
    });
  } finally {
    socket.destroy();
  }
}

/** Ends early when clamd has answered: it is not interested in the rest. */
async function sendPieces(
  socket: Socket,
  body: AsyncIterable<Uint8Array>,
  conversation: { readonly answered: boolean },
): Promise<void> {
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(piece.byteLength);
      if (conversation.answered) return;
      await send(socket, Buffer.concat([length, piece]));
    }
  }
  await send(socket, Buffer.alloc(4));
}

async function readAnswer(socket: Socket): Promise<string> {
  let answer = "";
  return new Promise((resolve, reject) => {
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      answer += text;
      const end = answer.indexOf("\0");
      if (end !== -1) resolve(answer.slice(0, end));
      else if (answer.length > mostAnswerCharacters) reject(new Error("its answer has no end"));
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("it hung up without an answer")));
  });
}

function unavailable(address: ClamdAddress, because: string, cause?: unknown): ScannerUnavailable {
  const where = "path" in address ? address.path : `${address.host}:${address.port}`;
  return new ScannerUnavailable(`clamd at ${where} does not scan: ${because}. Start it, or set OCTOBATCH_CLAMD.`, {
    cause,
  });
}
