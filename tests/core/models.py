"""Small models of the real classes, with random weights, written as the real files are."""

from pathlib import Path

import torch

SIZE = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
PIXELS = {"image_size": 16, "patch_size": 8}
TEXT = {"vocab_size": 50, "max_position_embeddings": 12}
SOUND = {
    "conv_dim": (8, 8),
    "conv_stride": (5, 2),
    "conv_kernel": (10, 3),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
PROJECTED = {"projection_dim": 10}
ENDS = {"bos_token_id": 1, "eos_token_id": 2}


def write_models(folder: Path) -> None:
    """Write one folder per model: bert, vit, ast, wav2vec2, clip, siglip, t5, videomae, mask_lm."""
    import transformers as t

    text = {**SIZE, **TEXT, **ENDS}
    configs = {
        "bert": t.BertConfig(**SIZE, **TEXT),
        "vit": t.ViTConfig(**SIZE, **PIXELS),
        "ast": t.ASTConfig(**SIZE, max_length=24, num_mel_bins=16),
        "wav2vec2": t.Wav2Vec2Config(**SIZE, **SOUND),
        "clip": t.CLIPConfig(
            text_config={**text, **PROJECTED},
            vision_config={**SIZE, **PIXELS, **PROJECTED},
            **PROJECTED,
        ),
        "siglip": t.SiglipConfig(text_config=text, vision_config={**SIZE, **PIXELS}),
        "t5": t.T5Config(vocab_size=50, d_model=16, d_ff=24, d_kv=8, num_layers=3, num_heads=2),
        "whisper": t.WhisperConfig(
            d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
            decoder_attention_heads=2, vocab_size=50, max_source_positions=12,
            pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
            suppress_tokens=None, begin_suppress_tokens=None,
        ),
        "resnet": t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]),
    }  # fmt: skip
    t.utils.logging.set_verbosity_error()
    t.utils.logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for name, config in configs.items():
            t.AutoModel.from_config(config).save_pretrained(folder / name)
        # As pretraining alone leaves it: no pooler, but a head that nobody wants here.
        t.BertForMaskedLM(configs["bert"]).save_pretrained(folder / "masked")
        half = t.BertModel(t.BertConfig(**{**SIZE, "num_hidden_layers": 2}, **TEXT))
        half.save_pretrained(folder / "half")
        configs["bert"].save_pretrained(folder / "half")  # claims one layer more than there is
        configs["bert"].save_pretrained(folder / "pickled")
        torch.save(t.BertModel(configs["bert"]).state_dict(), folder / "pickled/pytorch_model.bin")
    t.utils.logging.set_verbosity_warning()
    t.utils.logging.enable_progress_bar()
