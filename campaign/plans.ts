const limitsOf = (limit: number) => ({
  voice_seconds: { limit, reset_every: '1 month', on_exceeded: 'limit_assistants' },
});

/** What users may be put on, beside the default plans. */
export const campaignPlans = {
  plans: [
    { key: 'campaign-large', service: 'voice', limits: limitsOf(900) },
    { key: 'campaign-small', service: 'voice', limits: limitsOf(200) },
  ],
};
