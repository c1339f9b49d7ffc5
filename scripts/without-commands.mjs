/** Loaded when a command runs, or an output is asked for that answers are not in. */
const needed = /\/(?:jq|template|db|shards|inquirer)\b|^[^.]/;

/**
 * Commands, and what only they need, are no part of the file that answers help and completion: whoever gets there anyway
 * is told so.
 */
export const withoutCommands = {
  name: 'without-commands',
  setup({ onResolve, onLoad }) {
    // What completion asks the database is a file of its own, loaded for that alone.
    onResolve({ filter: /\/read-names\.ts$/ }, () => ({ path: './names.js', external: true }));
    onResolve({ filter: /./ }, ({ kind, path, importer }) => {
      const isOwn = /\/src\/cli\//.test(importer) && !needed.test(path);
      const isLazy = kind === 'dynamic-import' && !path.startsWith('node:');
      return isLazy && !isOwn && !path.endsWith('/group.ts') ? { path, namespace: 'command' } : undefined;
    });
    onLoad({ filter: /./, namespace: 'command' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is no part of the answers`)})`,
    }));
  },
};
