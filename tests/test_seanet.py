import pytest

from model import seanet
from model.config import paper, speech
from tests.contract import TINY, check_contract, check_tflite_step

CONFIGS = [
    pytest.param(TINY, id="linear trunk"),
    pytest.param(TINY.replace(trunk_activation=True, dilations=(1, 3, 9)), id="paper trunk"),
]


@pytest.mark.parametrize("dilation", [1, 3, 9])
def test_residual_unit_contract(dilation):
    check_contract(seanet.ResidualUnit(4, 2, 3, dilation), 4)


@pytest.mark.parametrize("config", CONFIGS)
def test_encoder_contract(config):
    encoder = seanet.encoder(config)
    assert (encoder.block, encoder.up, encoder.down) == (config.hop, 1, config.hop)
    check_contract(encoder, 1, num_chunkings=1)


@pytest.mark.parametrize("config", CONFIGS)
def test_decoder_contract(config):
    decoder = seanet.decoder(config)
    assert (decoder.block, decoder.up, decoder.down) == (1, config.hop, 1)
    check_contract(decoder, config.embedding_dim, num_chunkings=1)


def test_encoder_tflite_step():
    check_tflite_step(seanet.encoder(TINY), 1)


def test_decoder_tflite_step():
    check_tflite_step(seanet.decoder(TINY), TINY.embedding_dim)


# Table I of the paper, in millions. It counts the kernels: with biases 16/32 would be 5.55.
TABLE_I = [(32, 32, 8.4), (16, 16, 2.4), (16, 32, 5.5), (8, 32, 4.8), (32, 16, 5.3), (32, 8, 4.4)]


@pytest.mark.slow
@pytest.mark.parametrize("encoder_width,decoder_width,millions", TABLE_I)
def test_table_i(encoder_width, decoder_width, millions):
    config = paper(encoder_width, decoder_width)
    kernels = sum(
        int(weight.shape.num_elements())
        for net in (seanet.encoder(config), seanet.decoder(config))
        for weight in net.trainable_weights
        if weight.shape.rank > 1
    )
    assert kernels / 1e6 == pytest.approx(millions, abs=0.05)


def test_parameters_are_counted():
    encoder = seanet.encoder(speech())
    assert seanet.count_parameters(encoder) == sum(
        weight.numpy().size for weight in encoder.trainable_weights
    )
