/** A call as VAPI has it. Lengths are milliseconds. */
export interface PhoneCall {
  key: string;
  user: number;
  assistant: string;
  startedMs: number;
  /** How long it may last, as the gate said. */
  capMs: number;
}

/** What VAPI tells, with what is told of the length of a call where it is over. */
export interface Message {
  type: 'assistant-request' | 'status-update' | 'end-of-call-report';
  call: Pick<PhoneCall, 'key' | 'user' | 'assistant' | 'startedMs'>;
  lengthMs: number | null;
  body: object;
}

/** VAPI's side of the calls that come in: those that go on, and whatever it told, or still has to tell. */
export class Phone {
  /** That of each user which is let in call by call. */
  assistants: readonly string[] = [];
  readonly going: PhoneCall[] = [];
  readonly messages: Message[] = [];
}
