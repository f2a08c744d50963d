/** A template that was checked cannot be rendered with these values; the message is for people. */
export class UnrenderableTemplate extends Error {
  override readonly name = "UnrenderableTemplate";
}
