import inquirer from 'inquirer';

/** inquirer is large, and wanted where a question is asked: a file of its own then. */
export const createPromptModule = inquirer.createPromptModule;
