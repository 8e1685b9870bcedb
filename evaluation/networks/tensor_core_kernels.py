"""Triton kernels of `aesweep.evaluation.networks.tensor_cores`, which says what they compute and why.

Tensors are (N, H, W, C) in memory, each as two float16 tensors, `high` and `low`; pointers and sizes come as arguments. Kernels
are compiled for each kind of layer, not for the number of pixels M: batches of any size use what the first one compiled.
"""

import triton
import triton.language as tl


@triton.jit
def join(high, low):
    """float32 from its two halves."""
    return high.to(tl.float32) + low.to(tl.float32) * (1.0 / 2048.0)


@triton.jit
def store_halves(x, high, low, offset, mask):
    """Write float32 `x` as two halves."""
    half = x.to(tl.float16)
    tl.store(high + offset, half, mask=mask)
    tl.store(low + offset, ((x - half.to(tl.float32)) * 2048.0).to(tl.float16), mask=mask)


@triton.jit(do_not_specialize=["M"])
def convolution_kernel(
    x_high, x_low, w_high, w_low, bias, y_high, y_low,
    M, C, OUT, H, W, OH, OW, KH, KW, SH, SW, PH, PW, K,
    WHOLE: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_O: tl.constexpr, TERMS: tl.constexpr,
):  # fmt: skip
    """Y = relu(convolution(x, w) + bias); w as (KH, KW, OUT, K), where at each of KH x KW places K numbers in a row are taken.

    WHOLE: K is a multiple of TERMS.
    """
    blocks_o = (OUT + BLOCK_O - 1) // BLOCK_O
    m = tl.program_id(0) // blocks_o * BLOCK_M + tl.arange(0, BLOCK_M)
    o = tl.program_id(0) % blocks_o * BLOCK_O + tl.arange(0, BLOCK_O)
    n, pixel = m // (OH * OW), m % (OH * OW)
    top, left = pixel // OW * SH - PH, pixel % OW * SW - PW
    corner = ((n * H + top) * W + left) * C
    total = tl.zeros((BLOCK_M, BLOCK_O), tl.float32)
    small = tl.zeros((BLOCK_M, BLOCK_O), tl.float32)
    blocks_k = (K + TERMS - 1) // TERMS
    for step in range(KH * KW * blocks_k):
        place = step // blocks_k
        k = step % blocks_k * TERMS + tl.arange(0, TERMS)
        row, column = place // KW, place % KW
        inside = (m < M) & (top + row >= 0) & (top + row < H) & (left + column >= 0) & (left + column < W)
        x_mask, w_mask = inside[:, None], (o < OUT)[None, :]
        if not WHOLE:
            x_mask, w_mask = x_mask & (k < K)[None, :], w_mask & (k < K)[:, None]
        x_offset = (corner + (row * W + column) * C)[:, None] + k[None, :]
        w_offset = (place * OUT + o)[None, :] * K + k[:, None]
        a_high = tl.load(x_high + x_offset, mask=x_mask, other=0.0)
        a_low = tl.load(x_low + x_offset, mask=x_mask, other=0.0)
        b_high = tl.load(w_high + w_offset, mask=w_mask, other=0.0)
        b_low = tl.load(w_low + w_offset, mask=w_mask, other=0.0)
        large = tl.dot(a_high, b_high)
        small = tl.dot(a_low, b_high, small)
        small = tl.dot(a_high, b_low, small)
        total = tl.fma(large, 1.0, total)  # not `total += large`: Triton lets the tensor cores do that addition
    total += small * (1.0 / 2048.0) + tl.load(bias + o, mask=o < OUT, other=0.0)[None, :]
    total = tl.maximum(total, 0.0, propagate_nan=tl.PropagateNan.ALL)
    store_halves(total, y_high, y_low, m[:, None] * OUT + o[None, :], (m < M)[:, None] & (o < OUT)[None, :])


@triton.jit(do_not_specialize=["M"])
def pool_kernel(
    x_high, x_low, y_high, y_low, M, C, H, W, OH, OW, SIDE, STRIDE, PADDING,
    MEAN: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_C: tl.constexpr,
):  # fmt: skip
    """The largest number or the mean of each window of SIDE x SIDE pixels, of those inside the image."""
    blocks_c = (C + BLOCK_C - 1) // BLOCK_C
    m = tl.program_id(0) // blocks_c * BLOCK_M + tl.arange(0, BLOCK_M)
    c = tl.program_id(0) % blocks_c * BLOCK_C + tl.arange(0, BLOCK_C)
    n, pixel = m // (OH * OW), m % (OH * OW)
    top, left = pixel // OW * STRIDE - PADDING, pixel % OW * STRIDE - PADDING
    found = tl.full((BLOCK_M, BLOCK_C), 0.0 if MEAN else float("-inf"), tl.float32)
    count = tl.zeros((BLOCK_M,), tl.float32)
    for place in range(SIDE * SIDE):
        row, column = top + place // SIDE, left + place % SIDE
        inside = (m < M) & (row >= 0) & (row < H) & (column >= 0) & (column < W)
        mask = inside[:, None] & (c < C)[None, :]
        offset = (((n * H + row) * W + column) * C)[:, None] + c[None, :]
        x = join(tl.load(x_high + offset, mask=mask, other=0.0), tl.load(x_low + offset, mask=mask, other=0.0))
        if MEAN:
            found += x  # zero outside
            count += inside.to(tl.float32)
        else:
            found = tl.where(mask, tl.maximum(found, x, propagate_nan=tl.PropagateNan.ALL), found)
    if MEAN:
        found = found / tl.maximum(count, 1.0)[:, None]
    store_halves(found, y_high, y_low, m[:, None] * C + c[None, :], (m < M)[:, None] & (c < C)[None, :])
