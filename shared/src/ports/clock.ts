/** Where the time comes from. Everything that decides by time takes it from here, so that a test can set it. */
export interface Clock {
  now(): Date;
}
