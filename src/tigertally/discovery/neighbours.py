"""Names beside numbers: 张伟 13800138000, (王芳)4111….

A Chinese name alone is too weak to look for in running text (discovery facts, section 6). Right beside a card, an ID
or a telephone number it is what one expects there: two to four Han characters by themselves, a surname first, and none
of the words that stand beside numbers as often.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from tigertally.discovery import core
from tigertally.discovery.checks import person
from tigertally.discovery.hits import LANDLINE, MOBILE, NAME, NATIONAL_ID, PAN, Hits, empty_hits
from tigertally.discovery.labels import Meaning, meaning
from tigertally.discovery.shapes import SURNAMES

_BESIDE = np.isin(np.arange(256), (PAN, NATIONAL_ID, MOBILE, LANDLINE))
# Words that begin with what is a surname as well, and cities and provinces that do.
_WORDS = frozenset(
    (
        "金额 支付 支取 支行 付款 付费 付清 余额 时间 时限 万元 元整 单号 单价 单位 成功 成交 高级 高危 白金 "
        "白名单 黑名单 相关 相同 全部 全额 全名 全国 计划 计算 方式 方便 安全 安全码 安装 安卓 申请 申请人 "
        "申请书 申报 申诉 项目 易宝 关闭 关联 常用 常规 季度 连接 连续 简介 车牌 车险 平安 平台 马上 毛利 "
        "向导 项下 冷静期 应付 应收 应用 应当 凌晨 应该 强制 权限 信用 信用卡 信息 通知 通过 用户 用途 商户 "
        "商品 商城 商家 经办 经理 经纪 和解 和谐 国内 国际 国家 国籍 国债 都是 花费 花呗 云闪付 云端 管理 "
        "管理员 于是 曾用名 曾经 来电 来源 来访 从属 水费 水电 水电费 东方 西部 南方 北方 都市 别名 别处 "
        "易错 景区 路由 温馨 施工 解约 解绑 解除 解冻 包装 包裹 包括 车辆 年费 年龄 年份 终端 终止 明细 明天 "
        "原因 原卡 原路 双方 双倍 初始 初次 能否 能够 满足 满意 满减 欧元 英镑 港币 美元 日元 江苏 江西 "
        "江苏省 江西省 安徽 安徽省 云南 云南省 宁夏 宁波 温州 苏州 常州 金华 武汉 郑州 邢台 石家庄 唐山 包头 "
        "沈阳 成都 徐州 贵州 贵阳 连云港 卢森堡 马来西亚 祝您 祝好 谢谢 谢谢您 顺丰 韵达 申通 邮箱 邮编 门店 "
        "房产 房号 房租 孔雀 燕郊 查询 查收 查看 查验 祖籍 党员 柜员 柜台 别墅 步行 居住 居民 游客 利息 利率 "
        "卓越 盛大 慕课 雷达 龙卡 牡丹卡 牡丹 广发 华夏 宁静 鲁能 乐刷 易付宝 钱包 钱款 翻倍 石油 石化 晋级 "
        "方案 方正 支持"
    ).split()
)


def names_beside(data: bytes, hits: Hits) -> Hits:
    """Return the names right beside the numbers in ``hits``."""
    if data.isascii():
        return empty_hits()
    beside = _BESIDE[hits.kind]
    start, stop = core.names_beside(data, start=hits.start[beside], stop=hits.stop[beside], surnames=_surnames())
    if not len(start):
        return empty_hits()
    order = np.argsort(start, kind="stable")
    # One between two numbers comes twice.
    order = order[np.concatenate([[True], start[order][1:] != start[order][:-1]])]
    texts = [data[begin:end] for begin, end in zip(start[order].tolist(), stop[order].tolist(), strict=True)]
    kept = np.array([_is_name(text) for text in texts], np.bool_)
    order = order[kept]
    return Hits(
        start=start[order],
        stop=stop[order],
        kind=np.full(len(order), NAME, np.uint8),
        flags=np.zeros(len(order), np.uint8),
        value=np.array([int.from_bytes(text[-8:], "little") for text in texts if _is_name(text)], np.uint64),
        row=np.zeros(len(order), np.int64),
    )


@lru_cache(maxsize=65_536)
def _is_name(text: bytes) -> bool:
    word = text.decode("utf-8", "replace")
    if word in _WORDS or word[:2] in _WORDS:
        return False
    return person(word) and meaning(word) == Meaning(field=None)


@cache
def _surnames() -> npt.NDArray[np.uint8]:
    bits = np.zeros(0xA000 - 0x4E00, np.uint8)
    bits[[ord(char) - 0x4E00 for char in SURNAMES]] = 1
    return np.packbits(bits, bitorder="little")
