/** Where alerts go. */
export interface AlertTarget {
  /** For the record: the host of the webhook, or `command`. */
  name: string;
  /**
   * @param signal gives up waiting
   * @throws Error whose message says why the receiver did not take it
   */
  send(alert: AlertMessage, signal: AbortSignal): Promise<void>;
}

/** Alerts of users, and those of limits of the operator. */
export type AlertTable = 'alert_deliveries' | 'operator_alerts';

export interface AlertMessage {
  /** The same in every attempt: a receiver that saw it can drop the repetition. */
  id: string;
  /** Where what becomes of it is kept. */
  table: AlertTable;
  /** JSON, exactly as it is sent and signed. */
  body: string;
}
