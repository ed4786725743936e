// Which answers count: of requests that follow each other, those of the newest.

/** An answer that came too late; it is not an error to show, so it has no message. */
export class Outdated extends Error {}

/**
 * Return a sequence of turns. `begin` starts one and returns a function that passes an answer or an
 * error on until the turn is over, and then rejects; its `counts` says whether the turn lasts. A
 * turn is over once the next one begins, or by `end`.
 */
export function turns() {
  let turn = 0;
  const begin = () => {
    const mine = ++turn;
    const counts = () => mine === turn;
    const passOn = answer => answer.then(
      value => { if (counts()) return value; throw new Outdated(); },
      error => { throw counts() ? error : new Outdated(); });
    return Object.assign(passOn, {counts});
  };
  return {begin, end: () => { turn += 1; }};
}
