/** The mappings of the five products, by the name of the product. */
export const presets: Readonly<Record<string, () => Promise<string>>> = {
  'voice-matrix': async () => (await import('./voice-matrix.ts')).voiceMatrix,
};
