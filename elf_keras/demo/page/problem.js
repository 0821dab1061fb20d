// What the user is told when something cannot work.

/** An error whose message is written for the user. */
export class Problem extends Error {
  constructor(message, cause) {
    super(message, { cause });
    this.name = "Problem";
  }
}

/** One sentence for any error. */
export function sentence(error) {
  if (error instanceof Problem) return error.message;
  return `Something went wrong: ${error?.message ?? error}`;
}

/** Fetch a file of the model. */
export async function fetchFile(name) {
  let answer;
  try {
    answer = await fetch(`/model/${name}`);
  } catch (error) {
    throw new Problem(
      "The server does not answer. Start “elf-keras demo” again, " +
        "then reload this page.",
      error,
    );
  }
  if (!answer.ok) {
    throw new Problem(
      `${name} is no longer there (${answer.status}). Check the folder of ` +
        "the model and start the server again.",
    );
  }
  return answer;
}
