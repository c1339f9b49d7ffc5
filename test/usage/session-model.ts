/** Who told what a session came to, from who knows least to who knows best. */
type Authority = 'reservation' | 'heartbeat' | 'end' | 'bill';

interface Lease {
  expiresAt: number;
  reserved: number;
  cap: number;
  estimate: number | null;
  progress: number | null;
}

interface Session {
  startedAt: number;
  /** Null: it runs. */
  settledBy: Authority | null;
  quantity: number;
  lease: Lease | null;
}

export interface Rules {
  limit: number;
  isLive: boolean;
  leaseSeconds: number;
}

const graceSeconds = 300;
const isFinal = ({ settledBy }: Session) => settledBy === 'end' || settledBy === 'bill';

/** The sessions of one user on one allowance that never resets, by plain arithmetic: seconds, and instants in seconds. */
export class SessionModel {
  readonly sessions = new Map<string, Session>();
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  used(): number {
    return this.#sum(({ settledBy, quantity }) => (settledBy === null ? 0 : quantity));
  }

  remaining(now: number, of?: Session): number {
    const held = this.#sum((session) => (session === of ? 0 : this.#held(session, now)));
    return Math.max(this.#rules.limit - this.used() - held, 0);
  }

  /** What is used for certain and what is set aside. */
  committed(now: number): number {
    return this.used() + this.#sum((session) => this.#held(session, now));
  }

  start(key: string, estimate: number | null, now: number) {
    const known = this.sessions.get(key);
    if (known !== undefined) {
      return this.#startAgain(known, now);
    }
    this.reap(now);
    const left = this.remaining(now);
    if (left === 0 || (estimate !== null && estimate > left)) {
      return { allowed: false };
    }
    const cap = estimate ?? left;
    const { isLive, leaseSeconds } = this.#rules;
    const expiresAt = now + (isLive ? cap + graceSeconds : leaseSeconds);
    const lease = { expiresAt, reserved: cap, cap, estimate, progress: null };
    this.sessions.set(key, { startedAt: now, settledBy: null, quantity: 0, lease });
    return { allowed: true, cap };
  }

  #startAgain(known: Session, now: number) {
    if (isFinal(known)) {
      return 'QT003';
    }
    if (known.lease !== null && known.lease.expiresAt > now) {
      return { allowed: true, cap: known.lease.cap };
    }
    const { cap, isOver } = this.#extend(known, null, now);
    if (isOver) {
      this.#giveUp(known, now);
      return { allowed: false };
    }
    return { allowed: true, cap };
  }

  touch(key: string, seconds: number, now: number) {
    const session = this.sessions.get(key);
    if (session === undefined) {
      return 'QT003';
    }
    if (isFinal(session)) {
      return { running: false, progress: session.quantity };
    }
    const { cap, isOver, remaining, progress } = this.#extend(session, seconds, now);
    return { running: true, progress, remaining, cap, isOver };
  }

  /** @param told what it has used; null: its start is told again, which says nothing of that, so that it holds what it held */
  #extend(session: Session, told: number | null, now: number) {
    const { isLive, leaseSeconds } = this.#rules;
    const before = session.lease?.progress ?? (session.settledBy === 'heartbeat' ? session.quantity : null);
    const progress = told === null ? before : Math.max(before ?? 0, told);
    const held = told === null ? (session.lease?.reserved ?? session.quantity) : 0;
    const estimate = session.lease?.estimate ?? null;
    Object.assign(session, { settledBy: null, quantity: 0 });
    const used = progress ?? 0;
    const remaining = Math.max(this.remaining(now, session) - used, 0);
    const cap = Math.min(estimate ?? Number.POSITIVE_INFINITY, remaining + used);
    session.lease = {
      expiresAt: now + (isLive && progress === null ? cap + graceSeconds : leaseSeconds),
      reserved: Math.max(cap, progress ?? held),
      cap,
      estimate,
      progress,
    };
    return { cap, isOver: remaining === 0 || (isLive && cap <= used), remaining, progress };
  }

  /** An end, or a record of the key; a record of an unknown key is a call of its own. */
  end(key: string, seconds: number, now: number, isRecord: boolean) {
    const session = this.sessions.get(key);
    if (session === undefined) {
      if (!isRecord) {
        return 'QT003';
      }
      this.sessions.set(key, { startedAt: now, settledBy: 'end', quantity: seconds, lease: null });
      return { recorded: true, differs: false, stored: seconds };
    }
    if (isFinal(session)) {
      return { recorded: false, differs: session.quantity !== seconds, stored: session.quantity };
    }
    Object.assign(session, { settledBy: 'end', quantity: seconds, lease: null });
    return { recorded: true, differs: false, stored: seconds };
  }

  /** What a webhook's plain row does, to a call that runs or was estimated. */
  row(key: string, seconds: number): boolean {
    const session = this.sessions.get(key);
    if (session === undefined || isFinal(session)) {
      return false;
    }
    Object.assign(session, { settledBy: 'end', quantity: seconds, lease: null });
    return true;
  }

  /** The provider's bill knows best. */
  bill(key: string, seconds: number): boolean {
    const session = this.sessions.get(key);
    if (session === undefined) {
      return false;
    }
    Object.assign(session, { settledBy: 'bill', quantity: seconds, lease: null });
    return true;
  }

  remove(key: string): void {
    this.sessions.delete(key);
  }

  reap(now: number): void {
    for (const session of this.sessions.values()) {
      if (session.lease !== null && session.lease.expiresAt <= now) {
        this.#giveUp(session, now);
      }
    }
  }

  #giveUp(session: Session, now: number): void {
    if (session.lease !== null) {
      session.lease.expiresAt = Math.min(session.lease.expiresAt, now);
      const settledBy = session.lease.progress === null ? 'reservation' : 'heartbeat';
      Object.assign(session, { settledBy, quantity: this.#held(session, now), lease: null });
    }
  }

  #held({ lease, startedAt }: Session, now: number): number {
    if (lease === null) {
      return 0;
    }
    if (lease.expiresAt > now) {
      return lease.reserved;
    }
    return (
      lease.progress ?? (this.#rules.isLive ? Math.min(lease.reserved, now - startedAt) : lease.reserved)
    );
  }

  #sum(of: (session: Session) => number): number {
    return [...this.sessions.values()].reduce((sum, session) => sum + of(session), 0);
  }
}
