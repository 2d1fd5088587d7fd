import pytest

from cnninv.architectures import ALEXNET, ARCHITECTURES, VGG16, Conv, MaxPool, plain_name


def test_vgg16_is_configuration_d():
    assert [conv.K for conv in VGG16.convolutions] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert {(conv.size, conv.stride, conv.padding) for conv in VGG16.convolutions} == {(3, 1, 1)}
    pools = [layer for layer in VGG16.layers if isinstance(layer, MaxPool)]
    assert [(pool.name, pool.size, pool.stride) for pool in pools] == [
        (f"pool{i}", 2, 2) for i in range(1, 6)
    ]
    weights = sum(K * M * l1 * l2 + K for K, M, l1, l2 in VGG16.shapes.values())
    assert weights == 14_714_688  # 138,357,544 less the fully connected layers


def test_alexnet_has_groups_and_overlapping_pools():
    assert ALEXNET.shapes == {
        "conv1": (96, 3, 11, 11),
        "conv2": (256, 48, 5, 5),
        "conv3": (384, 256, 3, 3),
        "conv4": (384, 192, 3, 3),
        "conv5": (256, 192, 3, 3),
    }
    assert all(pool.stride < pool.size for pool in ALEXNET.layers if isinstance(pool, MaxPool))


def test_layer_5_2_is_that_of_figure_3():
    assert VGG16.filters_shape("conv(5, 2)") == VGG16.filters_shape("c(5,2)") == (512, 512, 3, 3)


def test_fewer_layers_end_before_the_next_convolution():
    short = VGG16.upto("conv2_2")
    assert [layer.name for layer in short.layers][-3:] == ["conv2_2", "relu2_2", "pool2"]
    assert VGG16.upto("conv5_3") == VGG16
    assert list(VGG16.upto("c(1,1)").shapes) == ["conv1_1"]


@pytest.mark.parametrize("label", ["conv6_1", "relu1_1", "pool1", 3, None, "", "c(9,9)"])
def test_a_layer_that_does_not_exist_is_named_with_those_that_do(label):
    with pytest.raises(ValueError, match=r"layer = .* must be one of 'conv1_1', .*'conv5_3'"):
        VGG16.filters_shape(label)


def test_names_are_unique_and_plain():
    for architecture in ARCHITECTURES.values():
        names = [layer.name for layer in architecture.layers]
        assert len(set(names)) == len(names)
        assert all(plain_name(name) == name for name in names)
        assert isinstance(architecture.layers[0], Conv)
