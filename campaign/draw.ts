import { chance } from '../fixtures/vapi-simulator/chance.ts';

/** Choices of one step. Each depends on the seed, the step and what is asked alone: what was drawn before changes nothing. */
export class Draw {
  readonly #seed: number;
  readonly #parts: readonly (string | number)[];

  constructor(seed: number, ...parts: readonly (string | number)[]) {
    this.#seed = seed;
    this.#parts = parts;
  }

  /** From 0 up to 1. */
  share(what: string): number {
    return chance(this.#seed, ...this.#parts, what);
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
