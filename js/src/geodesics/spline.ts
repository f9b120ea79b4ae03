/**
 * A smooth metric tensor between the cells: the cubic B-spline of the matrix logarithm, G = exp(L).
 *
 * Interpolating the logarithm keeps every tensor positive-definite (the log-Euclidean framework, Arsigny et al. 2006). Points are in
 * index coordinates, u = (x - x0) / dx - 1/2 and v likewise, in which cell centres are integers. Mirrors
 * latent_widget/geodesics/kernels/spline.py.
 */

import constants from "../../../latent_widget/geodesics/constants.json";
import type { MetricField } from "../types";

/** Coefficients of log G = t I + [[a, b], [b, -a]] on (height + 4) x (width + 4) nodes, three numbers each. */
export interface Spline {
  height: number;
  width: number;
  values: Float64Array;
}

/** Ghost coefficients on each side: enough to evaluate anywhere in the outer half cell. */
const PAD = constants.pad;
/** Below this ratio to the large eigenvalue, the small one of a single-precision tensor is only round-off. */
const SINGLE_ROUND_OFF = 1e-8;
/** Largest change of log G per cell that extrapolation follows beyond the outer centres. */
const STEEPEST = constants.steepest;

/** Fits the spline through the tensors of a field, taken to index coordinates. */
export function spline(field: MetricField): Spline {
  const [height, width] = field.shape;
  const rows = height + 2 * PAD;
  const columns = width + 2 * PAD;
  const values = new Float64Array(rows * columns * 3);
  logTensors(field, values);
  for (let i = PAD; i < rows - PAD; i++) prefilter(values, 3 * i * columns, 3, width, 3);
  prefilter(values, 0, 3 * columns, height, 3 * columns);
  return { height, width, values };
}

/** Logarithms t, a, b of the tensors in index coordinates, into the inner part of `values`. */
function logTensors({ shape: [height, width], extent: [x0, x1, y0, y1], metric }: MetricField, values: Float64Array): void {
  const dx = (x1 - x0) / width;
  const dy = (y1 - y0) / height;
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const from = 3 * (i * width + j);
      const e = metric[from] * dx * dx;
      const f = metric[from + 1] * dx * dy;
      const g = metric[from + 2] * dy * dy;
      const half = 0.5 * (e - g);
      const radius = Math.hypot(half, f);
      const high = 0.5 * (e + g) + radius;
      const low = Math.max((e * g - f * f) / high, SINGLE_ROUND_OFF * high);
      const logHigh = Math.log(high);
      const logLow = Math.log(low);
      const scale = radius > 0 ? (0.5 * (logHigh - logLow)) / radius : 0;
      const to = 3 * ((i + PAD) * (width + 2 * PAD) + j + PAD);
      values[to] = 0.5 * (logHigh + logLow);
      values[to + 1] = scale * half;
      values[to + 2] = scale * f;
    }
  }
}

/**
 * Turns samples into B-spline coefficients along one axis, in place, with PAD ghost coefficients at both ends.
 *
 * `lanes` neighbouring numbers are filtered side by side. Third differences vanish at the ends, which makes the first
 * equation c0 - c1 = f0 - f1 and keeps the system tridiagonal.
 */
function prefilter(values: Float64Array, start: number, stride: number, n: number, lanes: number): void {
  const at = (k: number): number => start + (k + PAD) * stride;
  if (n >= 3) {
    const upper = new Float64Array(n);
    for (let lane = 0; lane < lanes; lane++) {
      const first = at(0) + lane;
      const last = at(n - 1) + lane;
      const end = values[last] - values[last - stride];
      values[first] -= values[first + stride];
      upper[0] = -1;
      for (let k = 1; k < n - 1; k++) {
        const here = at(k) + lane;
        const pivot = 4 - upper[k - 1];
        upper[k] = 1 / pivot;
        values[here] = (6 * values[here] - values[here - stride]) / pivot;
      }
      values[last] = (end + values[last - stride]) / (1 + upper[n - 2]);
      for (let k = n - 2; k >= 0; k--) values[at(k) + lane] -= upper[k] * values[at(k + 1) + lane];
    }
  }
  for (let step = 0; step < PAD; step++) {
    for (const [ghost, inward] of [[at(-1 - step), stride], [at(n + step), -stride]] as const) {
      for (let lane = 0; lane < lanes; lane++) {
        const to = ghost + lane;
        const near = values[to + inward];
        let change = n > 1 ? near - values[to + 2 * inward] : 0;
        if (n > 2) change = 2 * change - (values[to + 2 * inward] - values[to + 3 * inward]);
        values[to] = near + Math.min(Math.max(change, -STEEPEST), STEEPEST);
      }
    }
  }
}

// weights of the four nodes around a point, their first and second derivatives, along u and along v
const wx = new Float64Array(4);
const wy = new Float64Array(4);
const dxs = new Float64Array(4);
const dys = new Float64Array(4);
const hx = new Float64Array(4);
const hy = new Float64Array(4);

function weigh(p: number, w: Float64Array): void {
  const q = 1 - p;
  w[0] = (q * q * q) / 6;
  w[1] = 2 / 3 - 0.5 * p * p * (2 - p);
  w[2] = 2 / 3 - 0.5 * q * q * (2 - q);
  w[3] = (p * p * p) / 6;
}

function slope(p: number, d: Float64Array, h: Float64Array): void {
  const q = 1 - p;
  d[0] = -0.5 * q * q;
  d[1] = p * (1.5 * p - 2);
  d[2] = q * (2 - 1.5 * q);
  d[3] = 0.5 * p * p;
  h[0] = q;
  h[1] = 3 * p - 2;
  h[2] = 1 - 3 * p;
  h[3] = p;
}

/** Places the weights for a point and returns where its 4 x 4 block of coefficients starts. */
function locate(s: Spline, u: number, v: number, derivatives: boolean): number {
  const x = Math.min(Math.max(u, -0.5), s.width - 0.5);
  const y = Math.min(Math.max(v, -0.5), s.height - 0.5);
  const j = Math.min(Math.floor(x), s.width - 1);
  const i = Math.min(Math.floor(y), s.height - 1);
  weigh(x - j, wx);
  weigh(y - i, wy);
  if (derivatives) {
    slope(x - j, dxs, hx);
    slope(y - i, dys, hy);
  }
  return 3 * ((i + PAD - 1) * (s.width + 2 * PAD) + j + PAD - 1);
}

/** The tensor E, F, G at index coordinates (u, v), into out[0..2]. */
export function tensor(s: Spline, u: number, v: number, out: Float64Array): void {
  let from = locate(s, u, v, false);
  const stride = 3 * (s.width + 2 * PAD);
  const c = s.values;
  let t = 0;
  let a = 0;
  let b = 0;
  for (let m = 0; m < 4; m++, from += stride) {
    for (let n = 0; n < 4; n++) {
      const weight = wy[m] * wx[n];
      const k = from + 3 * n;
      t += weight * c[k];
      a += weight * c[k + 1];
      b += weight * c[k + 2];
    }
  }
  const r = Math.sqrt(a * a + b * b);
  const grow = Math.exp(t + r);
  const fall = Math.exp(t - r);
  const cosh = 0.5 * (grow + fall);
  const sinh = r > 1e-4 ? (0.5 * (grow - fall)) / r : Math.exp(t) * (1 + (r * r) / 6);
  out[0] = cosh + a * sinh;
  out[1] = b * sinh;
  out[2] = cosh - a * sinh;
}

/** The tensor with its derivatives, into out[18]: rows G, G_u, G_v, G_uu, G_uv, G_vv of E, F, G. */
export function jet(s: Spline, u: number, v: number, out: Float64Array): void {
  let from = locate(s, u, v, true);
  const stride = 3 * (s.width + 2 * PAD);
  const coefficients = s.values;
  out.fill(0);
  for (let m = 0; m < 4; m++, from += stride) {
    for (let k = 0; k < 3; k++) {
      const c0 = coefficients[from + k];
      const c1 = coefficients[from + k + 3];
      const c2 = coefficients[from + k + 6];
      const c3 = coefficients[from + k + 9];
      const value = wx[0] * c0 + wx[1] * c1 + wx[2] * c2 + wx[3] * c3;
      const rise = dxs[0] * c0 + dxs[1] * c1 + dxs[2] * c2 + dxs[3] * c3;
      const bend = hx[0] * c0 + hx[1] * c1 + hx[2] * c2 + hx[3] * c3;
      out[k] += wy[m] * value;
      out[3 + k] += wy[m] * rise;
      out[6 + k] += dys[m] * value;
      out[9 + k] += wy[m] * bend;
      out[12 + k] += dys[m] * rise;
      out[15 + k] += hy[m] * value;
    }
  }
  exponential(out);
}

/** Turns a jet of log G into one of G: exp(t I + S) = e^t (C I + s S), with C = cosh r, s = sinh r / r, r^2 = a^2 + b^2. */
function exponential(out: Float64Array): void {
  const [t, a, b] = [out[0], out[1], out[2]];
  const rr = a * a + b * b;
  // dC = s n, ds = k n, dk = l n with n = a da + b db
  let c = 1 + (rr / 2) * (1 + (rr / 12) * (1 + rr / 30));
  let s = 1 + (rr / 6) * (1 + (rr / 20) * (1 + rr / 42));
  let k = (1 / 3) * (1 + (rr / 10) * (1 + (rr / 28) * (1 + rr / 54)));
  let l = (1 / 15) * (1 + (rr / 14) * (1 + rr / 36));
  if (rr > 0.01) {
    const r = Math.sqrt(rr);
    const grow = Math.exp(r);
    c = 0.5 * (grow + 1 / grow);
    s = (0.5 * (grow - 1 / grow)) / r;
    k = (c - s) / rr;
    l = (s - 3 * k) / rr;
  }
  const scale = Math.exp(t);
  const [tu, au, bu, tv, av, bv] = [out[3], out[4], out[5], out[6], out[7], out[8]];
  const nu = a * au + b * bu;
  const nv = a * av + b * bv;
  const [e0, f0, g0] = [c + a * s, b * s, c - a * s];
  const eu = s * nu + au * s + a * k * nu;
  const fu = bu * s + b * k * nu;
  const gu = s * nu - au * s - a * k * nu;
  const ev = s * nv + av * s + a * k * nv;
  const fv = bv * s + b * k * nv;
  const gv = s * nv - av * s - a * k * nv;
  for (let row = 0; row < 3; row++) {
    const first = row < 2;
    const second = row < 1;
    const [t1, a1, b1, n1, e1, f1, g1] = first ? [tu, au, bu, nu, eu, fu, gu] : [tv, av, bv, nv, ev, fv, gv];
    const [t2, a2, b2, n2, e2, f2, g2] = second ? [tu, au, bu, nu, eu, fu, gu] : [tv, av, bv, nv, ev, fv, gv];
    const at = 9 + 3 * row;
    const a12 = out[at + 1];
    const b12 = out[at + 2];
    const n12 = a1 * a2 + b1 * b2 + a * a12 + b * b12;
    const c12 = k * n1 * n2 + s * n12;
    const s12 = l * n1 * n2 + k * n12;
    const skew = a12 * s + k * (a1 * n2 + a2 * n1) + a * s12;
    const cross = b12 * s + k * (b1 * n2 + b2 * n1) + b * s12;
    const tt = out[at] + t1 * t2;
    out[at] = scale * (c12 + skew + t1 * e2 + t2 * e1 + tt * e0);
    out[at + 1] = scale * (cross + t1 * f2 + t2 * f1 + tt * f0);
    out[at + 2] = scale * (c12 - skew + t1 * g2 + t2 * g1 + tt * g0);
  }
  out[0] = scale * e0;
  out[1] = scale * f0;
  out[2] = scale * g0;
  out[3] = scale * (eu + tu * e0);
  out[4] = scale * (fu + tu * f0);
  out[5] = scale * (gu + tu * g0);
  out[6] = scale * (ev + tv * e0);
  out[7] = scale * (fv + tv * f0);
  out[8] = scale * (gv + tv * g0);
}

const here = new Float64Array(3);
const GAUSS = Math.sqrt(0.6);

/** Measured length of the straight segment between two points in index coordinates. */
export function segmentLength(s: Spline, u0: number, v0: number, u1: number, v1: number): number {
  const du = u1 - u0;
  const dv = v1 - v0;
  if (du === 0 && dv === 0) return 0;
  // three-point Gauss quadrature on pieces of at most one cell
  const pieces = Math.floor(Math.max(Math.abs(du), Math.abs(dv))) + 1;
  let length = 0;
  for (let piece = 0; piece < pieces; piece++) {
    for (let g = -1; g <= 1; g++) {
      const along = (piece + 0.5 + 0.5 * g * GAUSS) / pieces;
      tensor(s, u0 + along * du, v0 + along * dv, here);
      const squared = here[0] * du * du + 2 * here[1] * du * dv + here[2] * dv * dv;
      length += ((g === 0 ? 4 : 2.5) / (9 * pieces)) * Math.sqrt(Math.max(squared, 0));
    }
  }
  return length;
}

/** Measured lengths of the segments of a polyline u0, v0, u1, v1, … */
export function segmentLengths(s: Spline, points: Float64Array): Float64Array {
  const out = new Float64Array(Math.max(points.length / 2 - 1, 0));
  for (let k = 0; k < out.length; k++) {
    out[k] = segmentLength(s, points[2 * k], points[2 * k + 1], points[2 * k + 2], points[2 * k + 3]);
  }
  return out;
}

/** Tensors of a finer lattice over the same extent, in its index coordinates: values of the spline. */
export function sample(s: Spline, h: number, w: number): Float64Array {
  const out = new Float64Array(3 * h * w);
  const here = new Float64Array(3);
  const rx = s.width / w;
  const ry = s.height / h;
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      tensor(s, (j + 0.5) * rx - 0.5, (i + 0.5) * ry - 0.5, here);
      out.set([here[0] * rx * rx, here[1] * rx * ry, here[2] * ry * ry], 3 * (i * w + j));
    }
  }
  return out;
}
