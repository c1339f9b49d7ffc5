import fc from 'fast-check';

/**
 * The library of properties with a seed that is the same in every run: a change is judged by itself, and what fails
 * here fails everywhere. `QUOTA_TEST_SEED=17 npm test` looks elsewhere; do so often, and keep what it finds as an
 * example of the property.
 */
fc.configureGlobal({ seed: Number(process.env.QUOTA_TEST_SEED ?? 20_261_015) });

export default fc;
