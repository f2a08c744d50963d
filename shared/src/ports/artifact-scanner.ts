export type ScanVerdict =
  | { readonly kind: "clean" }
  /** What was found, by the scanner's name for it. */
  | { readonly kind: "infected"; readonly finding: string }
  /** The scanner will never look at it, for instance because it is too large. */
  | { readonly kind: "refused"; readonly because: string };

/** Looks for malware in what transforms make. Scanning twice is harmless. */
export interface ArtifactScanner {
  /**
   * Looks at one file, all of it.
   * @param file.fileName A label for the scanner's log; it comes from a repository and is never a path to open.
   * @throws ScannerUnavailable when there is no verdict: the same file may get one later. Whatever `body` throws comes back
   * as it is.
   */
  scan(body: AsyncIterable<Uint8Array>, file: { readonly fileName: string }): Promise<ScanVerdict>;

  /** Resolves when files can be scanned. @throws ScannerUnavailable with what is wrong and the remedy. */
  check(): Promise<void>;
}

/** The scanner cannot be reached, or failed. */
export class ScannerUnavailable extends Error {
  override readonly name = "ScannerUnavailable";
}
