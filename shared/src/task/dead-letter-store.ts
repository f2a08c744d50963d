/** An event that the broker gave up on. */
export interface DeadLetter {
  readonly eventId: string;
  readonly source: string;
  readonly type: string;
  readonly event: unknown;
  readonly errorCode?: string;
  readonly errorData?: string;
  readonly destination?: string;
  readonly receivedAt: Date;
}

export interface DeadLetterStore {
  /** Keeps a dead letter; the same one twice is kept once. */
  add(letter: DeadLetter): Promise<void>;
}
