/** The mappings of the five products, by the name of the product. */
export const presets: Readonly<Record<string, () => Promise<string>>> = {
  'avatar-lifetime': async () => (await import('./avatar.ts')).avatarLifetime,
  'avatar-monthly': async () => (await import('./avatar.ts')).avatarMonthly,
  'cantonese-scribe': async () => (await import('./cantonese-scribe.ts')).cantoneseScribe,
  chat: async () => (await import('./chat.ts')).chat,
  'voice-matrix': async () => (await import('./voice-matrix.ts')).voiceMatrix,
};
