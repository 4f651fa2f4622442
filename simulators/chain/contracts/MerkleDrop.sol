// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// A drop of one token whose root names what each account may have had in all; anybody may claim for anybody, and it goes
/// to the account. Reading, claiming, events and errors are those of CumulativeMerkleDrop, out of which KING is claimed;
/// anybody may set the root and pause, and claims are made on this chain alone.
contract MerkleDrop {
    using SafeERC20 for IERC20;

    event MerkleRootUpdated(bytes32 oldMerkleRoot, bytes32 newMerkleRoot);
    event Claimed(address indexed account, uint256 amount);

    error InvalidProof();
    error NothingToClaim();
    error MerkleRootWasUpdated();
    error EnforcedPause();

    address public immutable token;
    bytes32 public merkleRoot;
    bool public paused;
    mapping(address => uint256) public cumulativeClaimed;

    constructor(address token_) {
        token = token_;
    }

    function setMerkleRoot(bytes32 root) external {
        emit MerkleRootUpdated(merkleRoot, root);
        merkleRoot = root;
    }

    function setPaused(bool on) external {
        paused = on;
    }

    function claim(
        address account,
        uint256 cumulativeAmount,
        bytes32 expectedMerkleRoot,
        bytes32[] calldata merkleProof
    ) external {
        if (paused) revert EnforcedPause();
        if (merkleRoot != expectedMerkleRoot) revert MerkleRootWasUpdated();
        if (!verify(account, cumulativeAmount, expectedMerkleRoot, merkleProof)) revert InvalidProof();
        uint256 before = cumulativeClaimed[account];
        if (before >= cumulativeAmount) revert NothingToClaim();
        cumulativeClaimed[account] = cumulativeAmount;
        IERC20(token).safeTransfer(account, cumulativeAmount - before);
        emit Claimed(account, cumulativeAmount - before);
    }

    function verify(
        address account,
        uint256 cumulativeAmount,
        bytes32 expectedMerkleRoot,
        bytes32[] calldata merkleProof
    ) public pure returns (bool) {
        bytes32 leaf = keccak256(abi.encodePacked(account, cumulativeAmount));
        return MerkleProof.verifyCalldata(merkleProof, expectedMerkleRoot, leaf);
    }
}
