/** A webhook delivery that was processed. */
export interface WebhookDelivery {
  /** GitHub's own id, which a redelivery keeps. */
  readonly id: string;
  readonly event: string;
  readonly action?: string;
  readonly repositoryId?: number;
  readonly receivedAt: Date;
  /** What came of it, for people. */
  readonly outcome: string;
}

export interface DeliveryStore {
  /** Stores a delivery in the transaction that acts on it. Answers false when it was processed before. */
  add(delivery: WebhookDelivery): Promise<boolean>;
  /** Which of these were processed. */
  processed(ids: readonly string[]): Promise<ReadonlySet<string>>;
}
