/** Lines of equal value on the lattice's corners, by marching squares, joined into polylines. */

import type { Extent, Shape } from "../types";

/**
 * Lines on which the corner values, bilinear between corners, equal `level`; plane coordinates x0, y0, x1, y1, … Closed lines
 * end where they begin. A saddle is joined as the mean of its four corners says.
 */
export function isolines(values: ArrayLike<number>, [rows, columns]: Shape, extent: Extent, level: number): Float64Array[] {
  const stride = columns + 1;
  const across = (rows + 1) * columns;
  // edges are numbered: first those along x, then those along y
  const alongX = (i: number, j: number) => i * columns + j;
  const alongY = (i: number, j: number) => across + i * stride + j;
  const joined = new Map<number, number[]>();
  const join = (a: number, b: number) => {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      const known = joined.get(from);
      if (known) known.push(to);
      else joined.set(from, [to]);
    }
  };
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const k = i * stride + j;
      const [a, b, c, d] = [values[k], values[k + 1], values[k + stride + 1], values[k + stride]];
      const bits = (a > level ? 1 : 0) | (b > level ? 2 : 0) | (c > level ? 4 : 0) | (d > level ? 8 : 0);
      if (bits === 0 || bits === 15) continue;
      const [low, right, high, left] = [alongX(i, j), alongY(i, j + 1), alongX(i + 1, j), alongY(i, j)];
      if (bits === 5 || bits === 10) {
        const together = (a + b + c + d) / 4 > level === (bits === 5);
        join(low, together ? right : left);
        join(high, together ? left : right);
        continue;
      }
      const crossed = [low, right, high, left].filter((_, side) => ((bits >> side) & 1) !== ((bits >> ((side + 1) % 4)) & 1));
      join(crossed[0], crossed[1]);
    }
  }

  const [x0, x1, y0, y1] = extent;
  const place = (edge: number): [number, number] => {
    const flat = edge < across;
    const [i, j] = flat ? [Math.floor(edge / columns), edge % columns] : [Math.floor((edge - across) / stride), (edge - across) % stride];
    const k = i * stride + j;
    const [from, to] = [values[k], values[k + (flat ? 1 : stride)]];
    const t = (level - from) / (to - from);
    return [x0 + ((j + (flat ? t : 0)) / columns) * (x1 - x0), y0 + ((i + (flat ? 0 : t)) / rows) * (y1 - y0)];
  };

  const lines: Float64Array[] = [];
  const follow = (start: number) => {
    const points: number[] = [...place(start)];
    let at = start;
    for (let next = joined.get(at)?.pop(); next !== undefined; next = joined.get(at)?.pop()) {
      const back = joined.get(next)!;
      back.splice(back.indexOf(at), 1);
      points.push(...place(next));
      at = next;
    }
    if (points.length > 2) lines.push(Float64Array.from(points));
  };
  // open lines first, from their ends; what is left then is closed
  for (const [edge, others] of joined) if (others.length === 1) follow(edge);
  for (const [edge, others] of joined) if (others.length > 0) follow(edge);
  return lines;
}
