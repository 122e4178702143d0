"""The networks. Input: 1x3x96x96, pixels/255. Output: 5 logits. What says values is told at its class."""

from torch import nn

from environment import CLASSES, CONTROLS


def assignment():
    """The plain CNN of the course: four convolutions and two linear layers."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 48, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(48, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 6 * 6, 128),
        nn.ReLU(),
        nn.Linear(128, len(CLASSES)),
    )


def pilotnet():
    """NVIDIA's DAVE-2 (Bojarski et al. 2016, arXiv:1604.07316) on 96x96 frames."""
    return nn.Sequential(
        nn.Conv2d(3, 24, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(24, 36, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(36, 48, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(48, 64, 3),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 5 * 5, 100),
        nn.ReLU(),
        nn.Linear(100, 50),
        nn.ReLU(),
        nn.Linear(50, 10),
        nn.ReLU(),
        nn.Linear(10, len(CLASSES)),
    )


def convolution(inputs, outputs, kernel, stride=1, groups=1, activation=True):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU6(inplace=True)) if activation else nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, arXiv:1801.04381)."""

    def __init__(self, inputs, outputs, expansion, stride=1):
        super().__init__()
        hidden = inputs * expansion
        expand = [convolution(inputs, hidden, 1)] if expansion > 1 else []
        self.body = nn.Sequential(
            *expand,
            convolution(hidden, hidden, 3, stride, groups=hidden),
            convolution(hidden, outputs, 1, activation=False),
        )
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.adds_input else self.body(x)


def mobilenet():
    """MobileNetV2 blocks; the head keeps positions, because they matter in driving."""
    return nn.Sequential(
        convolution(3, 16, 3, stride=2),
        InvertedResidual(16, 24, 1, stride=2),
        InvertedResidual(24, 24, 3),
        InvertedResidual(24, 40, 4, stride=2),
        InvertedResidual(40, 40, 4),
        InvertedResidual(40, 96, 6, stride=2),
        InvertedResidual(96, 96, 6),
        InvertedResidual(96, 96, 6),
        convolution(96, 32, 1),
        nn.Flatten(),
        nn.Linear(32 * 6 * 6, 256),
        nn.ReLU6(),
        nn.Linear(256, len(CLASSES)),
    )


class PilotnetSteering(nn.Module):
    """DAVE-2 as its users write it: 1x96x96x3, pixels 0 to 255, normalization inside, ELU; an output per value."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 24, 5, stride=2),
            nn.ELU(),
            nn.Conv2d(24, 36, 5, stride=2),
            nn.ELU(),
            nn.Conv2d(36, 48, 5, stride=2),
            nn.ELU(),
            nn.Conv2d(48, 64, 3),
            nn.ELU(),
            nn.Conv2d(64, 64, 3),
            nn.ELU(),
            nn.Flatten(),
            nn.Linear(64 * 5 * 5, 100),
            nn.ELU(),
            nn.Linear(100, 50),
            nn.ELU(),
            nn.Linear(50, 10),
            nn.ELU(),
        )
        self.heads = nn.ModuleDict({name: nn.Linear(10, 1) for name in CONTROLS})

    def forward(self, image):
        features = self.body(image.permute(0, 3, 1, 2) / 127.5 - 1.0)
        return tuple(head(features) for head in self.heads.values())


CLASSIFIERS = {builder.__name__: builder for builder in (assignment, pilotnet, mobilenet)}
BUILDERS = CLASSIFIERS | {"pilotnet-steering": PilotnetSteering}
