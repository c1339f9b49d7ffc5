/** What `quota help TOPIC` tells besides commands, in the order of the list in `quota --help`. Texts are loaded when asked for. */
const topics = {
  environment: async () => (await import('./table-topics.ts')).environmentText(),
  'exit-codes': async () => (await import('./table-topics.ts')).exitCodesText(),
  output: async () => (await import('./told-topics.ts')).outputText,
  time: async () => (await import('./told-topics.ts')).timeText,
  roles: async () => (await import('./told-topics.ts')).rolesText,
  cron: async () => (await import('./cron-topic.ts')).cronText(),
};

type Topic = keyof typeof topics;

export const topicNames = Object.keys(topics) as Topic[];

/** `environment, exit-codes or output`, for the help. */
export const topicList = `${topicNames.slice(0, -1).join(', ')} or ${topicNames.at(-1)}`;

export const isTopic = (word: string): word is Topic => Object.hasOwn(topics, word);

/** What a topic tells, ending in a line break. */
export const topicText = async (topic: Topic): Promise<string> => `${(await topics[topic]()).trim()}\n`;
