import type { Draw } from './draw.ts';
import type { Ground } from './ground.ts';
import type { Model } from './model.ts';
import type { Place } from './place.ts';
import type { Params, Step, Told } from './step.ts';

export interface StepKind {
  weight: number;
  /** Who does it, and with that which faults can strike it. */
  by: 'app' | 'tool' | 'us';
  /** It is done in the shards, and the model of these is told of it. */
  isInShards?: true;
  draw(draw: Draw, n: number): Params;
  run(place: Place, step: Step): Promise<Told>;
  /**
   * Looks for the effect of the step by its key, and tells the model what is there now.
   * @returns what contradicts what was told
   */
  settle(place: Place, model: Model, step: Step, told: Told): Promise<string[]>;
}

/** One that can be done in the shards as well. */
export interface GroundKind extends StepKind {
  run(ground: Ground, step: Step): Promise<Told>;
  settle(ground: Ground, model: Model, step: Step, told: Told): Promise<string[]>;
}
