/** Makes texts unreadable for those who have them without the key. */
export interface Cipher {
  /** Seals a text for one place: what is sealed opens only together with the same `place`. */
  seal(text: string, place: string): string;

  /** The text, or undefined when it was sealed by another key, for another place, or was changed since. */
  open(sealed: string, place: string): string | undefined;
}
