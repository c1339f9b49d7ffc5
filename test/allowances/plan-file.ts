import { useFolder } from '../desk/folder.ts';

/** Writes files of plans for the tests of a file; what it returns takes a text and returns the path. */
export function usePlanFiles(): (text: string, ending?: string) => string {
  const folder = useFolder();
  let count = 0;
  return (text, ending = 'yaml') => {
    count += 1;
    return folder.write(`plans-${count}.${ending}`, text);
  };
}
