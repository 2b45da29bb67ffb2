// What the page says in Simplified Chinese, by what it says in English.
const CHINESE = {
  "MLA playground": "MLA 演练场",
  "Two networks learn three classes from samples seen in several <em>modalities</em>: on the left, one loss trains all together; on the right, they take turns. What does each modality learn?":
    "两个网络从含有多个<em>模态</em>的样本中学习三个类别：左边用一个损失同时训练所有模态，右边各模态轮流训练。每个模态学到了什么？",
  Examples: "示例",
  Training: "训练",
  Speed: "速度",
  "What the two networks answer": "两个网络的答案",
  "How training goes": "训练过程",
  Settings: "设置",
  Play: "播放",
  Pause: "暂停",
  Step: "单步",
  Reset: "重置",
  "2 a second": "每秒 2 步",
  "20 a second": "每秒 20 步",
  "full speed": "全速",

  "A lazy modality": "惰性模态",
  "Blobs are easy, spirals take time. Press Play and compare the spirals on the left and on the right.":
    "团块很容易，螺旋需要时间。请按“播放”，比较左右两边的螺旋。",
  Equals: "势均力敌",
  "Two modalities of the same kind: neither outruns the other, and joint training makes neither lazy.":
    "两个同类的模态：谁也不会跑在前面，联合训练也不会让哪一个变懒。",
  "One is noise": "一个是噪声",
  "The second modality says little. Move over its points: where is it unsure, and its weight small?":
    "第二个模态几乎不含信息。把指针移到它的点上：它在哪里没有把握，权重很小？",
  "A head that freezes": "冻结的头",
  "A small α protects what the head knows, and uses up its plasticity. Compare with the gradient “off”.":
    "很小的 α 保护头已学到的东西，也耗尽它的可塑性。请与梯度“关”时比较。",
  Pictures: "图片",
  "Handwritten 3, 5 and 8, and a second view of them. Which of the two gets lazy?":
    "手写的 3、5、8，以及它们的第二种视图。两者中哪一个会变懒？",
  "Missing parts": "缺失部分",
  "Where blobs are missing, only the spirals can answer: now joint training has to learn them, too.":
    "团块缺失时只有螺旋能作答：现在联合训练也不得不学习它。",

  "Joint training": "联合训练",
  "one loss for all": "所有模态一个损失",
  Alternation: "交替训练",
  "each in turn (MLA)": "各模态轮流（MLA）",
  head: "头",
  "one loss": "同一损失",
  "its loss": "各自损失",
  Fused: "融合",
  fused: "融合",
  alone: "单独",
  "{name} alone": "单独的{name}",
  "gradient {length}": "梯度 {length}",
  "no gradient yet": "还没有梯度",
  "for some samples": "部分样本",
  "over {name}, the rest from sample {sample}": "{name}的平面，其余取自样本 {sample}",
  "Digits on the colours of their answers": "数字，底色是其答案的颜色",
  "The plane in the colours of its answers": "平面，按答案着色",
  "{way}, {what}: {share} right. {kind}.": "{way}，{what}：正确率 {share}。{kind}。",
  "Marks are samples that were not trained on: ● ■ ▲, the three classes. The ground is the network’s answer, the stronger the surer it is. Chance is right in 33 %.":
    "标记是没有参加训练的样本：● ■ ▲ 是三个类别。底色是网络的答案，颜色越深越有把握。随机猜测的正确率是 33 %。",
  "Digits stand on the answer’s colour; in a red frame it is wrong.": "数字的底色是答案的颜色；红框表示答错。",

  "Accuracy on unseen samples": "未见样本上的准确率",
  chance: "随机",
  "Plasticity of the shared head (alternation)": "共享头的可塑性（交替训练）",
  "sub-step 0": "子步 0",
  "At sub-step {step}: {told}": "在子步 {step}：{told}",
  ", ": "，",
  ": ": "：",
  "One sample": "一个样本",
  Sample: "样本",
  "The sample under the pointer, or the one chosen here. It has a ring in every picture.":
    "指针所指的样本，或在这里选择的样本。它在每张图中都带圆环。",
  Weight: "权重",
  " wrong": " 错误",
  missing: "缺失",

  "Sub-step {step}, epoch {epoch}": "子步 {step}，第 {epoch} 个训练周期",
  "Sub-step {step}, the last one, epoch {epoch}": "子步 {step}（最后一步），第 {epoch} 个训练周期",
  "Bringing back sub-step {step} of {target} …": "正在恢复：子步 {step}，共 {target} …",
  ". Turn of {name} (loss {loss}); joint training waits for the next round.":
    "。轮到{name}（损失 {loss}）；联合训练等待下一轮。",
  ". Turn of {name} (loss {loss}); joint training made its step of the round (loss {joint}).":
    "。轮到{name}（损失 {loss}）；联合训练走了本轮的一步（损失 {joint}）。",
  "Nothing is trained yet: both start with the same encoders. Press Play, or Step for one sub-step.":
    "还没有开始训练：两边的编码器初始相同。请按“播放”，或按“单步”走一个子步。",
  "At sub-step {step}: {name} alone: {joint} right under joint training, {turns} by turns.":
    "在子步 {step}：单独的{name}：联合训练下正确率 {joint}，轮流训练下 {turns}。",
  " Joint training is behind here.": "联合训练在这里落后。",
  " Joint training has left this modality lazy so far: its fused answers are right in {fused}, its loss is down to {loss}, and little is left to learn from.":
    "到目前为止，联合训练让这个模态变懒了：融合答案的正确率是 {fused}，损失已降到 {loss}，几乎没有什么可学的了。",
  "At sub-step {step}: {name} alone: {turns} by turns, {joint} under joint training, which is ahead here.":
    "在子步 {step}：单独的{name}：轮流训练下正确率 {turns}，联合训练下 {joint}，在这里领先。",
  "At sub-step {step}: no modality alone is 10 points or more better in one way than in the other.":
    "在子步 {step}：没有哪个模态单独作答时，一种训练方式比另一种高出 10 个百分点以上。",

  Data: "数据",
  "Modality {number}": "模态 {number}",
  "Kind ": "种类 ",
  "Noise ": "噪声 ",
  Blobs: "团块",
  Rings: "圆环",
  Spirals: "螺旋",
  Digits: "手写数字",
  Remove: "移除",
  "Remove modality {number}": "移除模态 {number}",
  "Add a modality": "添加模态",
  "The head reads": "头读取",
  "the sum of the features": "特征之和",
  "features side by side": "拼接的特征",
  "Head’s gradient": "头的梯度",
  "modified, as in the paper": "修正，如论文所述",
  "modified, with the previous mean": "修正，用上一步的均值",
  "modified, with the data set’s mean": "修正，用数据集的均值",
  "off: as it is": "关：保持原样",
  Fusion: "融合",
  "entropy: sure ones count more": "entropy：有把握者权重大",
  "uniform: all count alike": "uniform：权重相同",
  Both: "两者",
  "Learning rate": "学习率",
  Seed: "种子",
  "Any change but that of the fusion starts training anew.": "除融合外，任何改动都会从头开始训练。",
  Share: "分享",
  "Copy a link to this state": "复制此状态的链接",
  Copied: "已复制",
  "Copy it from the address bar": "请从地址栏复制",

  "one of {options}": "{options} 之一",
  "a number from {least} to {most}": "{least} 到 {most} 之间的数",
  "a whole number from {least} to {most}": "{least} 到 {most} 之间的整数",
  "two to four of {kinds}, each with its noise, such as blobs:0.1,spirals:0.03":
    "{kinds} 中的二到四个，各带噪声，例如 blobs:0.1,spirals:0.03",
  "The link names “{key}”, which this page does not know. It is left out.":
    "链接中的“{key}”是本页不认识的，已略去。",
  "The link says {name} = “{text}”, but it must be {want}. The usual value is used.":
    "链接中 {name} = “{text}”，但应为{want}。已改用默认值。",
  "Training stopped with an error ({message}). Load the page again.": "训练因错误而停止（{message}）。请重新载入本页。",
  "its worker did not start": "后台线程没有启动",

  "What is computed here": "这里计算了什么",
  "Each modality has an encoder (one hidden layer of 64, 16 features, ReLU), and one linear head reads the features: MLA’s network in small. A <em>round</em> takes one batch of 32 samples. <em>Joint training</em> makes one step in a round: one cross-entropy of the fused answer, and every encoder and the head move. <em>Alternation</em> makes one sub-step for each modality: its own cross-entropy, and only its encoder and the shared head move. So after a round every encoder has made one step in both, on the same samples, from the same first weights.":
    "每个模态有一个编码器（一个 64 单元的隐藏层，16 个特征，ReLU），一个线性头读取这些特征：这是缩小的 MLA 网络。一<em>轮</em>取一批 32 个样本。<em>联合训练</em>每轮走一步：对融合答案求一个交叉熵，所有编码器和头都更新。<em>交替训练</em>为每个模态走一个子步：用它自己的交叉熵，只更新它的编码器和共享头。所以每一轮之后，两边的每个编码器都走了一步，样本相同，初始权重也相同。",
  "A modality is <em>lazy</em> when it learns less than its data allow. Under one loss, the modality that learns fastest makes this loss small, and the gradient that reaches the other encoders with it. The number under each picture, “gradient”, is the mean length of what reached that encoder lately. By turns, each modality has a loss of its own.":
    "一个模态学到的比它的数据所允许的少，就是<em>惰性</em>的。只有一个损失时，学得最快的模态使损失变小，到达其他编码器的梯度也随之变小。每张图下面的“梯度”是最近到达该编码器的梯度的平均长度。轮流训练时，每个模态有自己的损失。",
  "A shared head may forget one modality while it learns from another. MLA multiplies the head’s gradient by a matrix P, which recursive least squares make small along the mean features that the head has seen (Zhang et al., CVPR 2024, eq. 3–5): q = P h / (α + hᵀ P h), P ← P − q hᵀ P. The share that P still lets through, trace(P)/s, is the head’s <em>plasticity</em>.":
    "共享头在学习一个模态时可能忘记另一个。MLA 把头的梯度乘以矩阵 P，递归最小二乘使 P 在头已见过的平均特征方向上变小（Zhang 等，CVPR 2024，式 3–5）：q = P h / (α + hᵀ P h)，P ← P − q hᵀ P。P 仍然放行的比例 trace(P)/s 就是头的<em>可塑性</em>。",
  "When the answers of alternation are fused, each modality weighs softmax(−entropy) (eq. 6–8): for every sample, those that are sure count more. Under joint training there are no weights; “alone” is the head’s answer with the other features at zero, which may understate what an encoder knows.":
    "融合交替训练的答案时，每个模态的权重是 softmax(−熵)（式 6–8）：对每个样本，有把握的模态权重更大。联合训练没有权重；“单独”是把其他特征置零时头的答案，这可能低估编码器所学到的东西。",
  "Training: SGD, momentum 0.9, weight decay 0.0001; 300 samples to learn from, 201 to look at. Small data, few classes: what is seen here explains an effect and proves nothing about large networks.":
    "训练：SGD，动量 0.9，权重衰减 0.0001；300 个样本用于学习，201 个用于观察。数据小，类别少：这里看到的只解释一种效应，对大型网络不证明任何事情。",
  "Digits: “Optical recognition of handwritten digits” (E. Alpaydin, C. Kaynak; UCI, CC BY 4.0), as in scikit-learn, 3, 5 and 8 in 16 shades.":
    "数字：“Optical recognition of handwritten digits”（E. Alpaydin, C. Kaynak；UCI，CC BY 4.0），取自 scikit-learn，3、5、8，16 级灰度。",
};
