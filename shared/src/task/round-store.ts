/** Work that is done from time to time, a name a kind. It is not kept: a round that was missed is not made good. */
export interface RoundStore {
  /**
   * Answers true to one caller a period, however many ask: that one does the work. A period begins when it is claimed, and
   * nobody looks whether the work was done, so a crash in the middle costs a round.
   */
  claim(round: { readonly name: string; readonly everyMs: number }, at: Date): Promise<boolean>;

  /** Where the last one of this name stopped, if it did not come to the end. */
  place(name: string): Promise<string | undefined>;

  /** Notes where the next one goes on, or that it begins anew. */
  goOn(name: string, place: string | undefined): Promise<void>;
}
