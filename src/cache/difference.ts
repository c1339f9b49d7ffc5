export interface CacheDifference {
  key: string;
  /** Of a hash under the app's own name. */
  field?: string;
  /** `wrong`: another number than the facts; `orphaned`: no such user, meter or running period. */
  kind: 'wrong' | 'orphaned';
  /** Null: the field is not there. */
  cached: string | null;
  used: string | null;
  /** With `rebuild`: whether it was put right. */
  rebuilt: boolean;
}

/** A key that is not as it must be. */
export interface Suspect {
  key: string;
  differences: Omit<CacheDifference, 'rebuilt'>[];
  /** Puts it right while it is as it was seen - the app goes on counting meanwhile. Whether it was. */
  replace(): Promise<boolean>;
}

/** Holds keys against the facts; how many counters were looked at, and which are not right. */
export type Compare = (keys: readonly string[]) => Promise<{ counters: number; suspects: Suspect[] }>;

/** Counters are decimals of at most three places: `12`, `12.0` and `12.000` are the same. */
export const sameNumber = (left: string, right: string) =>
  /^-?\d+(\.\d+)?$/.test(left) && plain(left) === plain(right);

const plain = (number: string) => (number.includes('.') ? number.replace(/\.?0+$/, '') : number);
