/** Numbers of requests to the kernel: unique over all views of a model, since an answer goes to every view. */

let counter = Math.floor(Math.random() * 1e6) * 1000;

export function nextRequestId(): number {
  return ++counter;
}
