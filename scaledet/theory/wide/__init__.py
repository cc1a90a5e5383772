"""Wide networks of random filters: the limit of many channels, from before training to the model.

`predict_wide` is in `prediction`. The covariances of two images at the sites that matter
(`windows`) pass from layer to layer (`recursion`, with the arc-cosine kernel in `arc_cosine`, and
with the moments of `mixture` where means or biases differ between channels); `pixels`, `given` and
`pairs` say which images are compared for D_k and Q_k, `noise` averages over noise for G_k.
"""
