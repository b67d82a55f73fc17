import os
import wave

import numpy as np
import wandb

wandb.login()
run = wandb.init(project="media", config={"classes": ["cat", "dog"]})
pixels = (np.arange(48).reshape(4, 4, 3) * 5).astype(np.uint8)
with wave.open("beep.wav", "wb") as sound:
    sound.setparams((1, 2, 8000, 100, "NONE", ""))
    sound.writeframes(bytes(200))
table = wandb.Table(columns=["id", "text", "score"], data=[[0, "first", 0.5], [1, "second", None]])
table.add_data(2, "third", 1.0)
wandb.log(
    {
        "weights": wandb.Histogram(np.linspace(-1, 1, 100)),
        "counted": wandb.Histogram(np_histogram=([1, 2, 3], [0.0, 1.0, 2.0, 3.0])),
        "image": wandb.Image(pixels, caption="a gradient"),
        "images": [wandb.Image(pixels), wandb.Image(pixels)],
        "page": wandb.Html("<b>hello</b>"),
        "sound": wandb.Audio("beep.wav", caption="beep"),
        "rows": table,
        "loss": 0.25,
    }
)
wandb.log(
    {
        "confusion": wandb.plot.confusion_matrix(
            y_true=[0, 1, 1], preds=[0, 1, 0], class_names=["cat", "dog"]
        )
    }
)
with open("model.txt", "w") as file:
    file.write("weights")
artifact = wandb.Artifact("net", type="model", metadata={"f1": 0.5})
artifact.add_file("model.txt")
wandb.log_artifact(artifact, aliases=["best"])
wandb.save("model.txt")
os.remove("model.txt")
wandb.finish()
