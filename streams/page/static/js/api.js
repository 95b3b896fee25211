// Questions to the server: all are GET, all answers are JSON.

export class Failed extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export async function get(name, asked, signal) {
  let answer;
  try {
    answer = await fetch(`api/${name}?${new URLSearchParams(asked)}`, { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failed("The page's server does not answer.", 0);
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failed(said.error || `The server said ${answer.status}.`, answer.status);
  return said;
}
