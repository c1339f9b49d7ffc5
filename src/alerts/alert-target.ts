/** Where alerts go. */
export interface AlertTarget {
  /** For the record: the host of the webhook, or `command`. */
  name: string;
  /** @throws Error whose message says why the receiver did not take it */
  send(alert: AlertMessage): Promise<void>;
}

export interface AlertMessage {
  /** The same in every attempt: a receiver that saw it can drop the repetition. */
  id: string;
  /** JSON, exactly as it is sent and signed. */
  body: string;
}
