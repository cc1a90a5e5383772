"""Exact predictions at finite depth and size, and exponents at infinite depth.

`predict` is in `prediction`, `predict_exponents` in `growth.exponents`; `coverage` says what both
accept. A prediction is the `response` of every layer, made of the parts in `signal` (D_k, Q_k) and
`noise` (G_k). On the torus all rest on the autocorrelations c_k in `correlation`; networks that
are no torus, at finite size, are the products of `matrices`. `stability_limit`, the least D_k of
any filter of given width, is in `limits`. Wide networks of random filters, of which the model is
one end, are in `wide`.
"""
