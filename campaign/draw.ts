import { createHash } from 'node:crypto';

/**
 * Choices of one step. Each depends on the seed, the step and what is asked alone: what was drawn before changes nothing. They are
 * digits of a hash that mixes well: days that follow one another are to have nothing in common.
 */
export class Draw {
  readonly #seed: number;
  readonly #parts: readonly (string | number)[];

  constructor(seed: number, ...parts: readonly (string | number)[]) {
    this.#seed = seed;
    this.#parts = parts;
  }

  /** From 0 up to 1. */
  share(what: string): number {
    const told = [this.#seed, ...this.#parts, what].join('\u0000');
    return createHash('sha256').update(told).digest().readUInt32BE() / 2 ** 32;
  }

  below(what: string, bound: number): number {
    return Math.floor(this.share(what) * bound);
  }

  happens(what: string, probability: number): boolean {
    return this.share(what) < probability;
  }

  pick<Item>(what: string, items: readonly [Item, ...Item[]]): Item {
    return items[this.below(what, items.length)] ?? items[0];
  }

  /** One of several things, each as likely as its weight says. */
  weighed<Item extends { weight: number }>(what: string, items: readonly Item[]): Item {
    let left = this.share(what) * items.reduce((sum, { weight }) => sum + weight, 0);
    const found = items.find(({ weight }) => {
      left -= weight;
      return left < 0;
    });
    if (found === undefined) {
      throw new RangeError('nothing to choose from');
    }
    return found;
  }
}
