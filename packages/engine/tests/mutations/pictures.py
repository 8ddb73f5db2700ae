"""The portrait on its way in, the frames on their way out, and the autoencoder between them."""

from tests.mutations.mutation import mutations_of

PICTURES = [
    *mutations_of(
        "portrait/framing.py",
        ("a portrait is read as BGR", "cv2.IMREAD_COLOR_RGB", "cv2.IMREAD_COLOR"),
        (
            "a transparent portrait is read as BGR",
            "colour = picture[:, :, 2::-1]",
            "colour = picture[:, :, :3]",
        ),
        (
            "the part that is cut out swaps rows and columns",
            "part = picture[top : top + round(self.height / self.scale), left : left + round(self.width / self.scale)]",
            "part = picture[left : left + round(self.width / self.scale), top : top + round(self.height / self.scale)]",
        ),
        ("the frame is not centred", "left, top = spare_width / 2, spare_height / 2", "left, top = 0, 0"),
        ("the frame follows the face along the wrong side", "left = face_centre[0]", "left = face_centre[1]"),
        ("shrinking takes single pixels", "else cv2.INTER_AREA", "else cv2.INTER_NEAREST"),
        tests=("encoders/test_portrait.py", "conditions/test_encoder.py"),
    ),
    *mutations_of(
        "liveavatar/encoders/portrait.py",
        ("the autoencoder gets BGR", "framing.cut(picture))", "framing.cut(picture)[:, :, ::-1].copy())"),
        ("the autoencoder gets 0..1", "pixels / 127.5 - 1.0", "pixels / 255.0"),
        ("the picture's levels are reversed", "pixels / 127.5 - 1.0", "1.0 - pixels / 127.5"),
        ("width and height are swapped", ".permute(2, 0, 1)", ".permute(2, 1, 0)"),
        ("the picture is upside down", "framing.cut(picture))", "framing.cut(picture)[::-1].copy())"),
        tests=("encoders/test_portrait.py", "conditions/test_encoder.py", "test_data_path.py"),
    ),
    *mutations_of(
        "liveavatar/conditions/encoder.py",
        ("the reference is the last motion latent", "reference=motion[:, :1]", "reference=motion[:, -1:]"),
        (
            "the reference is the second motion latent",
            "reference=motion[:, :1]",
            "reference=motion[:, 1:2]",
        ),
        (
            "the motion history is oldest first no more",
            "return torch.cat(latents, dim=1)",
            "return torch.cat(latents, dim=1).flip(1)",
        ),
        (
            "the portrait is shown for one frame, then grey",
            "[stream.encode(frames) for",
            "[stream.encode(frames * 0) for",
        ),
        (
            "each motion latent is encoded as a first frame",
            "[stream.encode(frames) for",
            "[vae.open_encoder().encode(frames[:, :1]) for",
        ),
        (
            "another portrait of the same size is taken for the first",
            "return contents, request.width, request.height",
            "return request.width, request.height",
        ),
        (
            "another portrait under the same path is taken for the first",
            "return contents, request.width, request.height",
            "return request.portrait_path, request.width, request.height",
        ),
        ("every prompt is empty", "self._models.text.encode(prompt)", 'self._models.text.encode("")'),
        tests=("conditions/test_still.py", "conditions/test_encoder.py", "test_data_path.py"),
    ),
    *mutations_of(
        "liveavatar/vae/autoencoder.py",
        ("latents are the logarithm of the variance", ".chunk(2, dim=1)[0]", ".chunk(2, dim=1)[1]"),
        ("latents keep their mean", "(mean_latents.float() - self._mean)", "mean_latents.float()"),
        ("latents are scaled the wrong way", "* (1.0 / self._deviation)", "* self._deviation"),
        ("decoding does not undo the scale", "latents / (1.0 / self._deviation) + self._mean", "latents + self._mean"),
        ("decoding does not undo the mean", "(1.0 / self._deviation) + self._mean", "(1.0 / self._deviation)"),
        tests=("vae/test_autoencoder.py",),
    ),
    *mutations_of(
        "liveavatar/vae/history.py",
        ("the autoencoder forgets what came before", "joined[:, :, -count:]", "joined[:, :, -count:] * 0"),
        ("the autoencoder remembers the oldest frames", "joined[:, :, -count:]", "joined[:, :, :count]"),
        tests=("vae/test_autoencoder.py",),
    ),
    *mutations_of(
        "liveavatar/vae/layers.py",
        ("the two frames of a pair change places", "permute(0, 2, 3, 1, 4, 5)", "flip(1).permute(0, 2, 3, 1, 4, 5)"),
        ("the picture grows without neighbours", 'mode="nearest-exact"', 'mode="bilinear"'),
        ("halving is shifted by a pixel", "nn.ZeroPad2d((0, 1, 0, 1))", "nn.ZeroPad2d((1, 0, 1, 0))"),
        tests=("vae/test_autoencoder.py",),
    ),
    *mutations_of(
        "liveavatar/vae/config.py",
        ("a channel's mean has the wrong sign", "0.2503, -0.2921", "0.2503, 0.2921"),
        ("a channel's deviation is wrong", "1.1253, 2.8251", "1.1253, 2.8521"),
        tests=("vae/test_autoencoder.py",),
    ),
    *mutations_of(
        "liveavatar/serving/online_decoder.py",
        ("frames are written as BGR", ".permute(1, 2, 3, 0)", ".flip(0).permute(1, 2, 3, 0)"),
        ("frames are written with rows and columns swapped", ".permute(1, 2, 3, 0)", ".permute(1, 3, 2, 0)"),
        ("bytes are floored, not rounded", "127.5).round()", "127.5).floor()"),
        ("black is 127", "(frames + 1) * 127.5", "frames * 255"),
        ("values beyond the range wrap around", ".clamp(0, 255)", ".to(torch.int32)"),
        (
            "the frames of a block come in the wrong order",
            "for latent in latents.split(1, dim=1):",
            "for latent in latents.flip(1).split(1, dim=1):",
        ),
        tests=("serving/test_online_decoder.py", "serving/test_chain.py"),
    ),
    *mutations_of(
        "liveavatar/serving/chain.py",
        (
            "the decoder warms up with the end of the motion",
            "motion[:, :WARM_UP_LATENTS]",
            "motion[:, -WARM_UP_LATENTS:]",
        ),
        (
            "the decoder warms up with the reference seven times",
            "motion[:, :WARM_UP_LATENTS]",
            "reference.repeat(1, WARM_UP_LATENTS, 1, 1)",
        ),
        ("the decoder warms up with one latent fewer", "motion[:, :WARM_UP_LATENTS]", "motion[:, 1:WARM_UP_LATENTS]"),
        (
            "the decoder's past is kept in the wrong order",
            "torch.cat([self._past, latents], dim=1)[:, -PAST_LATENTS:]",
            "torch.cat([latents, self._past], dim=1)[:, :PAST_LATENTS]",
        ),
        tests=("test_data_path.py", "serving/test_chain.py"),
    ),
]
